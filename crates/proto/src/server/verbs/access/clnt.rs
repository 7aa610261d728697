//! CLNT: the user's program names itself; the shell logs every command. Spec section 3.

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn clnt(pi: &mut ServerPi) {
    pi.reply(text::noop());
}
