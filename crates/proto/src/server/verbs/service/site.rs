//! SITE: what this server alone can do. RFC 959 section 4.1.3, spec section 6.

use std::time::Duration;

use thirdhost_wire::SiteCommand;

use crate::server::changes::change;
use crate::server::login::Login;
use crate::server::questions::Asked;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::verbs::security::peercert;
use crate::server::verbs::service::parts;
use crate::server::{Effect, Question};

pub(in crate::server) fn site(pi: &mut ServerPi, command: SiteCommand) {
    // Strangers get no more than the list (spec S-29).
    if pi.login.is_anonymous() && !matches!(command, SiteCommand::Help(_)) {
        return pi.reply(text::site_not_for_anonymous());
    }
    match command {
        SiteCommand::Chmod { mode, .. } if mode > text::PERMISSION_BITS => {
            pi.reply(text::set_id_bits());
        }
        SiteCommand::Chmod { mode, name } => {
            change(pi, &name, None, Some(mode), text::site_done());
        }
        SiteCommand::Utime { modified, name } => {
            change(pi, &name, Some(modified), None, text::site_done());
        }
        SiteCommand::Help(_) => pi.reply(text::site_help()),
        SiteCommand::Idle(seconds) => idle(pi, seconds),
        SiteCommand::Parts(command) => parts(pi, command),
        // A link could lead to where its maker may not go (spec S-44).
        SiteCommand::Symlink => pi.reply(text::no_symlinks()),
        SiteCommand::Who => who(pi),
        SiteCommand::PeerCert { sha256 } => peercert(pi, sha256),
    }
}

/// A user may ask for less patience than the operator has, not for more.
fn idle(pi: &mut ServerPi, seconds: Option<u64>) {
    let most = pi.idle_most;
    match seconds.map(Duration::from_secs) {
        Some(idle) if idle.is_zero() || idle > most => pi.reply(text::idle_out_of_range(most)),
        Some(idle) => {
            pi.settings.limits.idle = idle;
            pi.reply(text::idle_limit(idle, most));
        }
        None => {
            let reply = text::idle_limit(pi.settings.limits.idle, most);
            pi.reply(reply);
        }
    }
}

fn who(pi: &mut ServerPi) {
    if matches!(&pi.login, Login::In(identity) if identity.operator) {
        pi.ask(Effect::Ask(Question::Who), Asked::Who);
    } else {
        pi.reply(text::operators_only());
    }
}
