//! ABOR when no transfer runs: closes a waiting listener. RFC 959 4.1.3, RFC 2428 section 3.

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn abor(pi: &mut ServerPi) {
    let open = pi.open.is_some();
    if !open {
        pi.release_plan();
    }
    pi.reply(text::nothing_to_abort(open));
}
