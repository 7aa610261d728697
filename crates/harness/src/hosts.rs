//! Which loopback addresses stand for the three hosts of RFC 438.

use std::net::{IpAddr, Ipv4Addr, TcpListener};

/// The addresses of the user and of the two sites.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hosts {
    /// The user's host.
    pub user: IpAddr,
    /// The source's host in RFC 438's example.
    pub site1: IpAddr,
    /// The destination's host in RFC 438's example.
    pub site2: IpAddr,
}

impl Hosts {
    /// 127.0.0.1, 127.0.0.2 and 127.0.0.3, or 127.0.0.1 three times where the system has no
    /// other loopback address (macOS).
    #[must_use]
    pub fn of_this_system() -> Self {
        let host = |last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
        let (user, site1, site2) = (host(1), host(2), host(3));
        if [site1, site2].into_iter().all(is_ours) {
            Self { user, site1, site2 }
        } else {
            Self::all_at(user)
        }
    }

    /// One address for all three.
    #[must_use]
    pub fn all_at(host: IpAddr) -> Self {
        Self {
            user: host,
            site1: host,
            site2: host,
        }
    }

    /// Whether the three can be told apart by address.
    #[must_use]
    pub fn are_distinct(&self) -> bool {
        self.user != self.site1 && self.site1 != self.site2 && self.user != self.site2
    }
}

fn is_ours(host: IpAddr) -> bool {
    TcpListener::bind((host, 0)).is_ok()
}
