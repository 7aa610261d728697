//! PBSZ: the size of a protected block; TLS has none. RFC 4217 section 8.

use thirdhost_wire::Verb;

use crate::server::TlsOffer;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn pbsz(pi: &mut ServerPi) {
    if pi.settings.tls == TlsOffer::Absent {
        return pi.reply(text::no_tls_here(Verb::Pbsz));
    }
    if !pi.security.control {
        return pi.reply(text::auth_first());
    }
    pi.security.sized = true;
    pi.reply(text::buffer_size());
}
