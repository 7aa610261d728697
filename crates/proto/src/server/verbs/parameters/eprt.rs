//! EPRT: call this socket, IPv4 or IPv6. RFC 2428 section 2.

use thirdhost_wire::{EprtArgument, NetworkProtocol};

use super::port;
use crate::server::session::ServerPi;

pub(in crate::server) fn eprt(pi: &mut ServerPi, argument: EprtArgument) {
    match argument {
        EprtArgument::Socket(target) => port(pi, target),
        EprtArgument::UnknownProtocol(number) => {
            // Never true: the reply tells what we do speak.
            pi.speaks(Some(NetworkProtocol::from(number)));
        }
    }
}
