//! CSID: the user's program names itself, and so do we, without a version (spec S-72).

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn csid(pi: &mut ServerPi) {
    pi.reply(text::server_identity());
}
