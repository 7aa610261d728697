//! How much a user may take, as it is written.

use std::num::NonZeroU64;

use serde::Deserialize;

use super::values::{Bounded, Word, Worded};
use crate::accounts::{Bounds, Rates};

/// The key `sessions` of a user.
pub(super) type SessionCount = Bounded<1, 1_000_000>;

/// A table `rate` or `rate_per_transfer`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RateTable {
    send: Option<Worded<Rate>>,
    receive: Option<Worded<Rate>>,
}

/// The keys of a user that bound it, as they stand.
pub(super) struct Written {
    pub(super) sessions: Option<SessionCount>,
    pub(super) rate: RateTable,
    pub(super) rate_per_transfer: RateTable,
    pub(super) quota: Option<Worded<Octets>>,
    pub(super) max_file_size: Option<Worded<Octets>>,
}

impl Written {
    /// The bounds of the user.
    pub(super) fn bounds(self) -> Bounds {
        let count = |count: SessionCount| usize::try_from(count.value()).unwrap_or(usize::MAX);
        Bounds {
            sessions: self.sessions.map(count),
            rate: self.rate.rates(),
            rate_per_transfer: self.rate_per_transfer.rates(),
            quota: self.quota.map(|Worded(Octets(most))| most),
            max_file_size: self.max_file_size.map(|Worded(Octets(most))| most),
        }
    }
}

impl RateTable {
    fn rates(self) -> Rates {
        Rates {
            send: self.send.map(|Worded(Rate(rate))| rate),
            receive: self.receive.map(|Worded(Rate(rate))| rate),
        }
    }
}

/// A size.
pub(super) struct Octets(pub(super) u64);

impl Word for Octets {
    const EXPECTED: &'static str = "bytes such as \"500M\" or \"10G\" (K, M, G, T: powers of 1024)";

    fn from_word(word: &str) -> Option<Self> {
        octets(word).map(|octets| Self(octets.get()))
    }
}

/// Octets a second.
struct Rate(NonZeroU64);

impl Word for Rate {
    const EXPECTED: &'static str =
        "bytes a second such as \"500K\" or \"10M\", at least \"1K\" (K, M, G, T: powers of 1024)";

    fn from_word(word: &str) -> Option<Self> {
        octets(word).filter(|rate| rate.get() >= RATE_MIN).map(Self)
    }
}

/// A number of octets, with `K`, `M`, `G` or `T` behind it or without.
fn octets(word: &str) -> Option<NonZeroU64> {
    let (number, power) = match word.char_indices().next_back()? {
        (at, 'K') => (word.get(..at)?, 1),
        (at, 'M') => (word.get(..at)?, 2),
        (at, 'G') => (word.get(..at)?, 3),
        (at, 'T') => (word.get(..at)?, 4),
        _ => (word, 0),
    };
    // The parser would take a sign.
    if !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number: u64 = number.parse().ok()?;
    NonZeroU64::new(number.checked_mul(1024_u64.pow(power))?)
}

/// Below it, one segment would take more than a second.
const RATE_MIN: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_counted_in_powers_of_1024() {
        let check = |word, expected: Option<u64>| {
            assert_eq!(octets(word).map(NonZeroU64::get), expected, "{word:?}");
        };
        check("1", Some(1));
        check("1023", Some(1023));
        check("1K", Some(1024));
        check("10M", Some(10 << 20));
        check("3G", Some(3 << 30));
        check("16777215T", Some(((1 << 24) - 1) << 40));
        check("16777216T", None);
        for wrong in [
            "", "K", "0", "0G", "1k", "1 K", "+1", "-1", "1.5G", "1KK", "1KB", "1\u{b5}",
        ] {
            check(wrong, None);
        }
    }
}
