//! NOOP: nothing. RFC 959 section 4.1.3.

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn noop(pi: &mut ServerPi) {
    pi.reply(text::noop());
}
