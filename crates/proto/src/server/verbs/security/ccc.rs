//! CCC: protect the control connection no longer; refused (spec S-32). RFC 4217 section 6.

use thirdhost_wire::Verb;

use crate::server::TlsOffer;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn ccc(pi: &mut ServerPi) {
    pi.reply(if pi.settings.tls == TlsOffer::Absent {
        text::no_tls_here(Verb::Ccc)
    } else if pi.security.control {
        text::stays_protected()
    } else {
        text::not_protected()
    });
}
