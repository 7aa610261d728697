//! Values of the configuration that cannot be wrong, each saying what it expects.

use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use ipnet::IpNet;
use serde::de::{self, Deserialize, Deserializer, Unexpected, Visitor};
use thirdhost_proto::server::{Permission, Unpinned, VirtualPath};
use thirdhost_wire::{HostName, PORT_UNPRIVILEGED, Pathname};

use super::{PeerVerify, Require, SessionReuse};
use crate::accounts::LoginBy;
use crate::store::{Durability, UploadPolicy};

/// A value written as a string.
pub(super) trait Word: Sized {
    /// Completes "expected …".
    const EXPECTED: &'static str;

    /// The value of a string; `None` when it has none.
    fn from_word(word: &str) -> Option<Self>;
}

/// Reads a [`Word`]; the error names what was expected.
#[derive(Clone, Debug)]
pub(super) struct Worded<T>(pub(super) T);

impl<'de, T: Word> Deserialize<'de> for Worded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_str(WordVisitor(PhantomData))
            .map(Worded)
    }
}

struct WordVisitor<T>(PhantomData<T>);

impl<T: Word> Visitor<'_> for WordVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<T, E> {
        T::from_word(word).ok_or_else(|| E::invalid_value(Unexpected::Str(word), &self))
    }
}

/// A whole number from `LEAST` to `MOST`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounded<const LEAST: u64, const MOST: u64>(u64);

impl<const LEAST: u64, const MOST: u64> Bounded<LEAST, MOST> {
    pub(super) fn value(self) -> u64 {
        self.0
    }
}

impl<'de, const LEAST: u64, const MOST: u64> Deserialize<'de> for Bounded<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(BoundedVisitor::<LEAST, MOST>)
    }
}

struct BoundedVisitor<const LEAST: u64, const MOST: u64>;

impl<const LEAST: u64, const MOST: u64> Visitor<'_> for BoundedVisitor<LEAST, MOST> {
    type Value = Bounded<LEAST, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {LEAST} to {MOST}")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        u64::try_from(number)
            .ok()
            .filter(|number| (LEAST..=MOST).contains(number))
            .map(Bounded)
            .ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }
}

impl Word for SocketAddr {
    const EXPECTED: &'static str =
        "an IP address and a port such as \"127.0.0.1:2121\" or \"[::1]:2121\"";

    fn from_word(word: &str) -> Option<Self> {
        word.parse().ok()
    }
}

impl Word for HostName {
    const EXPECTED: &'static str = "a domain name, or an address as in a URL";

    fn from_word(word: &str) -> Option<Self> {
        word.parse().ok()
    }
}

impl Word for IpAddr {
    const EXPECTED: &'static str = "the IP address of one host";

    fn from_word(word: &str) -> Option<Self> {
        let address = word.parse::<Self>().ok()?.to_canonical();
        (!address.is_unspecified() && !address.is_multicast()).then_some(address)
    }
}

impl Word for IpNet {
    const EXPECTED: &'static str =
        "a network such as \"198.51.100.0/24\" or \"2001:db8::/32\", no bits set behind its length";

    fn from_word(word: &str) -> Option<Self> {
        let network = match word.parse::<IpAddr>() {
            Ok(host) => Self::from(host),
            Err(_) => word.parse::<Self>().ok()?,
        };
        // Peers are compared as IPv4 wherever they are IPv4: a mapped network would never match.
        let mapped = matches!(network.addr(), IpAddr::V6(host) if host.to_ipv4_mapped().is_some());
        (network.trunc() == network && !mapped).then_some(network)
    }
}

/// A range of ports an unprivileged server may use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Ports(pub(super) RangeInclusive<u16>);

impl Word for Ports {
    const EXPECTED: &'static str = "a range of ports from 1024 on such as \"49152-65535\"";

    fn from_word(word: &str) -> Option<Self> {
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        let number = |word: &str| word.trim().parse::<u16>().ok();
        let (first, last) = (number(first)?, number(last)?);
        (first >= PORT_UNPRIVILEGED && first <= last).then_some(Self(first..=last))
    }
}

/// A directory beneath the root, as components joined by `/`; empty for the root itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Home(pub(super) String);

impl Word for Home {
    const EXPECTED: &'static str = "a directory beneath the root such as \"alice\", without \"..\"";

    fn from_word(word: &str) -> Option<Self> {
        if word.starts_with('/') || word.split('/').any(|component| component == "..") {
            return None;
        }
        // The rest of what a path may not be, it may not be for a user either.
        match word {
            "" => Some(Self(String::new())),
            _ => {
                let home = VirtualPath::root()
                    .join(&Pathname::try_from(word).ok()?)
                    .ok()?;
                Some(Self(home.relative().to_owned()))
            }
        }
    }
}

impl Word for Permission {
    const EXPECTED: &'static str = "one of read, write, append, delete, rename, mkdir";

    fn from_word(word: &str) -> Option<Self> {
        word.parse().ok()
    }
}

impl Word for UploadPolicy {
    const EXPECTED: &'static str = "\"whole\" or \"resumable\"";

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "whole" => Some(Self::Whole),
            "resumable" => Some(Self::Resumable),
            _ => None,
        }
    }
}

impl Word for Durability {
    const EXPECTED: &'static str = "\"process\" or \"power\"";

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "process" => Some(Self::Process),
            "power" => Some(Self::Power),
            _ => None,
        }
    }
}

impl Word for Require {
    const EXPECTED: &'static str = "\"nothing\", \"login\" or \"data\"";

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "nothing" => Some(Self::Nothing),
            "login" => Some(Self::Login),
            "data" => Some(Self::Data),
            _ => None,
        }
    }
}

impl Word for LoginBy {
    const EXPECTED: &'static str = "\"either\" or \"both\"";

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "either" => Some(Self::Either),
            "both" => Some(Self::Both),
            _ => None,
        }
    }
}

/// The SHA-256 of a certificate in DER.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Fingerprint(pub(super) [u8; 32]);

impl Word for Fingerprint {
    const EXPECTED: &'static str = "the SHA-256 of a certificate such as \"SHA256:\" and 64 \
        hexadecimal digits, with or without colons";

    fn from_word(word: &str) -> Option<Self> {
        let digits: String = match word.split_once(':') {
            Some((kind, digits)) if kind.eq_ignore_ascii_case("SHA256") => digits,
            _ => word,
        }
        .split(':')
        .collect();
        let mut octets = [0; 32];
        if digits.len() != 2 * octets.len() || !digits.bytes().all(|d| d.is_ascii_hexdigit()) {
            return None;
        }
        for (index, octet) in octets.iter_mut().enumerate() {
            let pair = digits.get(2 * index..2 * index + 2)?;
            *octet = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(octets))
    }
}

impl Word for SessionReuse {
    const EXPECTED: &'static str = "\"off\", \"prefer\" or \"require\"";

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "off" => Some(Self::Off),
            "prefer" => Some(Self::Prefer),
            "require" => Some(Self::Require),
            _ => None,
        }
    }
}

impl Word for PeerVerify {
    const EXPECTED: &'static str = "\"ca\", \"pinned\" or \"none\"";

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "ca" => Some(Self::Ca),
            "pinned" => Some(Self::Pinned),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

impl Word for Unpinned {
    const EXPECTED: &'static str = "\"control-host\", \"any\" or \"refuse\"";

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "control-host" => Some(Self::ControlHost),
            "any" => Some(Self::Any),
            "refuse" => Some(Self::Refuse),
            _ => None,
        }
    }
}
