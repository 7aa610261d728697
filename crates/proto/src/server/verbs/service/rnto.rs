//! RNTO: the new name; the old one is resolved again. RFC 959 section 4.1.3, spec S-48.

use thirdhost_wire::Pathname;

use crate::server::questions::Asked;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::{Effect, Permission, Question};

pub(in crate::server) fn rnto(pi: &mut ServerPi, name: &Pathname) {
    let Some(from) = pi.rename_from.take() else {
        return pi.reply(text::rename_from_first());
    };
    // SECURITY: both ends, now: what RNFR was told may not hold any more (spec S-48).
    if !pi.permit(Permission::Rename, &from) {
        return;
    }
    if let Some(to) = pi.permitted_path(Permission::Rename, Some(name)) {
        pi.ask(Effect::Ask(Question::Rename { from, to }), Asked::Change);
    }
}
