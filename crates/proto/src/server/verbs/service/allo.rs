//! ALLO: no allocation is needed. RFC 959 section 4.1.3.

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn allo(pi: &mut ServerPi) {
    pi.reply(text::nothing_to_allocate());
}
