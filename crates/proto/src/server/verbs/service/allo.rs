//! ALLO: nothing is allocated, but whether there is room is told. RFC 959 section 4.1.3.

use crate::server::questions::Asked;
use crate::server::session::ServerPi;
use crate::server::{Effect, Question};

pub(in crate::server) fn allo(pi: &mut ServerPi, octets: u64) {
    pi.ask(Effect::Ask(Question::Room { octets }), Asked::Room);
}
