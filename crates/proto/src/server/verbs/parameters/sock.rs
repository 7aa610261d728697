//! SOCK: whom to call, or after LSTN who may call. RFC 438 clauses c and d.

use std::net::IpAddr;

use thirdhost_wire::{AcceptFilter, HostSocket, NetworkProtocol, SockArgument, SockHost};

use crate::server::questions::Asked;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::{Arrange, Effect, Plan};

pub(in crate::server) fn sock(pi: &mut ServerPi, argument: &SockArgument) {
    if pi.epsv_all {
        return pi.reply(text::epsv_all_in_force());
    }
    let host = match argument.host {
        SockHost::Peer => pi.settings.peer,
        SockHost::Address(host) => host,
        // Servers resolve no names (design D5, spec S-14).
        SockHost::Other(_) => return pi.reply(text::host_not_literal()),
    };
    if !pi.speaks(Some(NetworkProtocol::of(host))) {
        return;
    }
    if let Plan::Passive { .. } = pi.plan {
        pin(pi, host, argument.socket);
    } else {
        call(pi, host, argument.socket);
    }
}

//= rfc438#c
//# SOCK command to instruct the server to accept an RFC for the
//# listening socket only if it is from a specified host and socket.
fn pin(pi: &mut ServerPi, host: IpAddr, socket: u16) {
    // A connection that is open was made under the old filter (spec M-23).
    pi.disconnect();
    let filter = HostSocket::new(host, socket).map_or(
        AcceptFilter::Host(host.to_canonical()),
        AcceptFilter::HostPort,
    );
    pi.ask(
        Effect::Arrange(Arrange::Pin { filter }),
        Asked::SockFilter(filter),
    );
}

/// Reserves our own socket at once; the call itself waits for a transfer command (design D3).
fn call(pi: &mut ServerPi, host: IpAddr, socket: u16) {
    let Some(target) = HostSocket::new(host, socket) else {
        return pi.reply(text::socket_zero());
    };
    pi.release_plan();
    pi.ask(
        Effect::Arrange(Arrange::Hold { target }),
        Asked::SockTarget(target),
    );
}
