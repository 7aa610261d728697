//! The three hosts.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// A host of the lab.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Host {
    /// Whoever asks for the transfer.
    User,
    /// The first server.
    A,
    /// The second server.
    B,
}

impl Host {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::User, Self::A, Self::B];

    /// Its address.
    #[must_use]
    pub const fn address(self) -> Ipv4Addr {
        let [a, b, c] = NETWORK;
        Ipv4Addr::new(a, b, c, self.last_octet())
    }

    /// The host of this address.
    #[must_use]
    pub fn of(address: Ipv4Addr) -> Option<Self> {
        Self::ALL.into_iter().find(|host| host.address() == address)
    }

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::A => "a",
            Self::B => "b",
        }
    }

    const fn last_octet(self) -> u8 {
        match self {
            Self::User => 1,
            Self::A => 2,
            Self::B => 3,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let host = Self::ALL.into_iter().find(|host| host.name() == name);
        host.ok_or_else(|| format!("no host `{name}`: there are user, a and b"))
    }
}

/// One value for each host.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct ByHost<T> {
    user: T,
    a: T,
    b: T,
}

impl<T> ByHost<T> {
    /// What `make` gives for each host.
    ///
    /// # Errors
    /// The first that `make` gives.
    pub(crate) fn try_with<E>(mut make: impl FnMut(Host) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            user: make(Host::User)?,
            a: make(Host::A)?,
            b: make(Host::B)?,
        })
    }

    pub(crate) fn of(&self, host: Host) -> &T {
        match host {
            Host::User => &self.user,
            Host::A => &self.a,
            Host::B => &self.b,
        }
    }

    pub(crate) fn of_mut(&mut self, host: Host) -> &mut T {
        match host {
            Host::User => &mut self.user,
            Host::A => &mut self.a,
            Host::B => &mut self.b,
        }
    }
}

impl<T, U> ByHost<(T, U)> {
    /// The first of each, and the second of each.
    pub(crate) fn unzip(self) -> (ByHost<T>, ByHost<U>) {
        let ((user, user_too), (a, a_too), (b, b_too)) = (self.user, self.a, self.b);
        let second = ByHost {
            user: user_too,
            a: a_too,
            b: b_too,
        };
        (ByHost { user, a, b }, second)
    }
}

/// The network all are in: 10.77.0.0/24.
const NETWORK: [u8; 3] = [10, 77, 0];

/// How many bits of an address name the network.
pub(crate) const PREFIX: u8 = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_found_by_its_address_and_by_its_name() {
        for host in Host::ALL {
            assert_eq!(Host::of(host.address()), Some(host));
            assert_eq!(host.name().parse(), Ok(host));
        }
        assert_eq!(Host::of(Ipv4Addr::LOCALHOST), None);
        assert!("c".parse::<Host>().is_err());
    }
}
