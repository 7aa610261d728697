//! PORT: call this IPv4 socket. RFC 959 section 4.1.2, spec S-1 to S-4.

use thirdhost_wire::{HostSocket, NetworkProtocol};

use crate::server::questions::Asked;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::{Arrange, Effect};

pub(in crate::server) fn port(pi: &mut ServerPi, target: HostSocket) {
    if pi.epsv_all {
        return pi.reply(text::epsv_all_in_force());
    }
    if !pi.speaks(Some(NetworkProtocol::of(target.host()))) {
        return;
    }
    pi.release_plan();
    pi.ask(
        Effect::Arrange(Arrange::Target { target }),
        Asked::Port(target),
    );
}
