//! EPRT: call this socket, IPv4 or IPv6. RFC 2428 section 2.

use thirdhost_wire::EprtArgument;

use super::lstn::KNOWN;
use super::port;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn eprt(pi: &mut ServerPi, argument: EprtArgument) {
    match argument {
        EprtArgument::Socket(target) => port(pi, target),
        EprtArgument::UnknownProtocol(_) => pi.reply(text::protocol_not_supported(&KNOWN)),
    }
}
