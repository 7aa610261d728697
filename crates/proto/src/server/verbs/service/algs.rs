//! ALGS: is for a gateway between networks; where a server answers there is none. RFC 6384.

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn algs(pi: &mut ServerPi) {
    pi.reply(text::no_gateway());
}
