//! USER: who logs in. RFC 959 section 4.1.1; always 331 (spec S-28).

use std::time::Duration;

use thirdhost_wire::Text;

use crate::server::Effect;
use crate::server::login::{Login, is_anonymous};
use crate::server::protection::TlsOffer;
use crate::server::questions::Asked;
use crate::server::reply_text as text;
use crate::server::session::{ClearLogin, ServerPi};

pub(in crate::server) fn user(pi: &mut ServerPi, now: Duration, name: Text) {
    if pi.login.is_in() {
        pi.timers.login_begins(now);
    }
    // A new USER flushes the identity and keeps the transfer parameters (RFC 959 4.1.1).
    pi.release_plan();
    pi.security.peer = None;
    pi.part_of = None;
    let anonymous = is_anonymous(&name);
    if pi.settings.users_differ && !anonymous {
        pi.login = Login::Out;
        let introduce = Effect::Introduce { user: name.clone() };
        return pi.ask(introduce, Asked::Introduction(name));
    }
    let clear = !pi.security.control;
    if clear && pi.settings.clear_login == ClearLogin::Anonymous && !anonymous {
        pi.login = Login::Out;
        let offered = pi.settings.tls != TlsOffer::Absent;
        return pi.reply(text::need_tls(offered));
    }
    pi.login = Login::Named(name);
    pi.reply(if anonymous {
        text::need_anonymous_password()
    } else {
        text::need_password()
    });
}
