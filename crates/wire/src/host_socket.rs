//! Host and socket, the two halves of an NCP socket name on TCP, and the filter SOCK sets.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// A host address and a TCP port, 1 to 65535 (design D5).
///
/// An IPv4-mapped IPv6 address is turned into IPv4 on construction, so that two values name
/// the same peer exactly when they are equal (spec A-12).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HostSocket {
    host: IpAddr,
    port: u16,
}

impl HostSocket {
    /// Names a socket at a host. `None` for port 0, which names no socket.
    #[must_use]
    pub fn new(host: IpAddr, port: u16) -> Option<Self> {
        (port != 0).then(|| Self {
            host: host.to_canonical(),
            port,
        })
    }

    /// The host, never an IPv4-mapped IPv6 address.
    #[must_use]
    pub fn host(self) -> IpAddr {
        self.host
    }

    /// The port, never 0.
    #[must_use]
    pub fn port(self) -> u16 {
        self.port
    }

    /// The same as an address for the operating system.
    #[must_use]
    pub fn address(self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

impl TryFrom<SocketAddr> for HostSocket {
    type Error = ZeroPort;

    fn try_from(address: SocketAddr) -> Result<Self, ZeroPort> {
        Self::new(address.ip(), address.port()).ok_or(ZeroPort)
    }
}

/// The address has port 0, which names no socket.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("port 0 names no socket")]
pub struct ZeroPort;

impl fmt::Display for HostSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address())
    }
}

/// What SOCK's argument names: `<socket>` or `<host>,<socket>` (spec 3.4, H-8).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SockArgument {
    /// The host half.
    pub host: SockHost,
    /// The socket half; 0 means "any socket of that host" in a filter (spec A-7).
    pub socket: u16,
}

/// The host half of SOCK's argument.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum SockHost {
    /// None was given: the host at the other end of the control connection (spec A-17).
    Peer,
    /// An IPv4 or bracketed IPv6 literal; never IPv4-mapped.
    Address(IpAddr),
    /// Anything else, a name or a bare number. Servers resolve no names (design D5).
    Other(String),
}

/// Which peers a listening server accepts: the acceptable RFC of RFC 438 clause d.2.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AcceptFilter {
    /// Whoever calls. Only an operator's setting leads here (spec A-24, S-13).
    Any,
    /// Any socket of one host.
    Host(IpAddr),
    /// One socket of one host.
    HostPort(HostSocket),
}

impl AcceptFilter {
    /// Whether a caller from `peer` passes.
    #[must_use]
    pub fn accepts(self, peer: SocketAddr) -> bool {
        let host = peer.ip().to_canonical();
        match self {
            Self::Any => true,
            Self::Host(expected) => host == expected.to_canonical(),
            Self::HostPort(expected) => host == expected.host && peer.port() == expected.port,
        }
    }
}

impl fmt::Display for AcceptFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any host"),
            Self::Host(host) => write!(f, "{host}, any port"),
            Self::HostPort(peer) => write!(f, "{peer}"),
        }
    }
}

/// A network protocol number of RFC 2428 section 2.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum NetworkProtocol {
    /// 1: IPv4.
    Ipv4,
    /// 2: IPv6.
    Ipv6,
    /// A number that RFC 2428 gives no meaning; answered with 522.
    Other(u32),
}

impl NetworkProtocol {
    /// The protocol of an address.
    #[must_use]
    pub fn of(host: IpAddr) -> Self {
        if host.to_canonical().is_ipv4() {
            Self::Ipv4
        } else {
            Self::Ipv6
        }
    }

    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Ipv4 => 1,
            Self::Ipv6 => 2,
            Self::Other(number) => number,
        }
    }
}

impl From<u32> for NetworkProtocol {
    fn from(number: u32) -> Self {
        match number {
            1 => Self::Ipv4,
            2 => Self::Ipv6,
            other => Self::Other(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_takes_the_peer_it_names_and_no_other() {
        let named = HostSocket::new("192.0.2.2".parse().unwrap(), 51_003).unwrap();
        let pin = AcceptFilter::HostPort(named);
        let host = AcceptFilter::Host("192.0.2.2".parse().unwrap());
        for (peer, by_any, by_host, by_pin) in [
            ("192.0.2.2:51003", true, true, true),
            ("[::ffff:192.0.2.2]:51003", true, true, true),
            ("192.0.2.2:51004", true, true, false),
            ("192.0.2.3:51003", true, false, false),
            ("[2001:db8::2]:51003", true, false, false),
        ] {
            let peer: SocketAddr = peer.parse().unwrap();
            let found = [AcceptFilter::Any, host, pin].map(|filter| filter.accepts(peer));
            assert_eq!(found, [by_any, by_host, by_pin], "{peer}");
        }
        // Either side may be written as IPv4 within IPv6.
        let mapped = AcceptFilter::Host("::ffff:192.0.2.2".parse().unwrap());
        assert!(mapped.accepts("192.0.2.2:1".parse().unwrap()));
        let told = [AcceptFilter::Any, host, pin].map(|filter| filter.to_string());
        let expected = ["any host", "192.0.2.2, any port", "192.0.2.2:51003"];
        assert_eq!(told, expected);
    }
}
