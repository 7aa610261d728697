//! PRET: for servers that are several machines; this is one (draft-dd-pret).

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn pret(pi: &mut ServerPi) {
    pi.reply(text::noop());
}
