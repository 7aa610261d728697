//! ACCT: an account; none is ever needed. RFC 959 section 4.1.1.

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn acct(pi: &mut ServerPi) {
    let reply = if pi.login.is_in() {
        text::account_not_needed()
    } else {
        text::user_first()
    };
    pi.reply(reply);
}
