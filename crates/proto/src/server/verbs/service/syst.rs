//! SYST: the system type. RFC 959 section 4.1.3.

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn syst(pi: &mut ServerPi) {
    pi.reply(text::system());
}
