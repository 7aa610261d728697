//! Arranging a data connection: what is asked for, and what came of it. Design D2, D3, D12.

use std::net::IpAddr;

use thirdhost_wire::{AcceptFilter, Direction, HostSocket, NetworkProtocol};

/// How a data connection is to be arranged; policy is asked first (design D3, D12).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arrange {
    /// Reserve a socket and listen on it: LSTN, PASV, EPSV.
    Listen {
        /// The network protocol asked for; none means that of the control connection.
        protocol: Option<NetworkProtocol>,
        /// The direction LSTN named; it only guides the choice of the port (spec A-3).
        direction: Option<Direction>,
        /// Listen on the port that is held for SOCK, which is then no longer held (spec A-6).
        on_held: bool,
    },
    /// Admit a target and hold a local port to call it from: SOCK.
    Hold {
        /// Whom to call.
        target: HostSocket,
    },
    /// Admit a target, without a port of our own: PORT, EPRT.
    Target {
        /// Whom to call.
        target: HostSocket,
    },
    /// Admit a peer that will call us: SOCK after LSTN, PASV or EPSV.
    Pin {
        /// Who may call.
        filter: AcceptFilter,
    },
}

/// What came of [`super::Effect::Arrange`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arranged {
    /// A socket listens.
    Listening {
        /// Its port: what 229 and 255 tell.
        port: u16,
        /// The address that 227 tells beside the port: ours, or the configured public one.
        host: IpAddr,
    },
    /// The target is admitted and a local port is held.
    Held {
        /// The port the call will leave from: what 255 tells.
        port: u16,
        /// Which ways data may go.
        may: Directions,
    },
    /// The peer is admitted.
    Admitted {
        /// Which ways data may go.
        may: Directions,
    },
}

/// Why no data connection was arranged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ArrangeRefusal {
    /// Policy says no (504, spec S-12).
    NotPermitted,
    /// The port is below 1024 (504, spec S-1).
    PrivilegedPort,
    /// No port or socket is to be had (425).
    NoSocket,
    /// Too many different targets in a short time (425, spec S-6).
    TooManyTargets,
    /// The network protocol is not available here; these are (522).
    Protocol(Vec<NetworkProtocol>),
}

/// Which ways data may go between us and an admitted peer.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Directions {
    /// We may send.
    pub send: bool,
    /// We may receive.
    pub receive: bool,
}

impl Directions {
    /// Both ways.
    pub const BOTH: Self = Self {
        send: true,
        receive: true,
    };

    /// Whether `direction` is among them.
    #[must_use]
    pub fn allow(self, direction: Direction) -> bool {
        match direction {
            Direction::Send => self.send,
            Direction::Receive => self.receive,
        }
    }
}

/// Host addresses that an arrangement concerns; used by policy and log.
#[must_use]
pub fn pinned_host(filter: AcceptFilter) -> Option<IpAddr> {
    match filter {
        AcceptFilter::Any => None,
        AcceptFilter::Host(host) => Some(host),
        AcceptFilter::HostPort(peer) => Some(peer.host()),
    }
}

#[cfg(test)]
mod tests {
    use thirdhost_wire::HostSocket;

    use super::*;

    #[test]
    fn a_filter_concerns_the_host_that_it_names() {
        let host: IpAddr = std::net::Ipv4Addr::new(192, 0, 2, 1).into();
        let peer = HostSocket::new(host, 5000).unwrap();
        for (filter, expected) in [
            (AcceptFilter::Any, None),
            (AcceptFilter::Host(host), Some(host)),
            (AcceptFilter::HostPort(peer), Some(host)),
        ] {
            assert_eq!(pinned_host(filter), expected);
        }
    }
}
