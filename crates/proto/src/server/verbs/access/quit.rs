//! QUIT: the end of the session, after what is under way. RFC 959 section 4.1.1.

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn quit(pi: &mut ServerPi) {
    pi.close(text::goodbye());
}
