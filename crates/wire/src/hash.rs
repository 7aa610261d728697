//! Hashes of files: the algorithms of HASH and of the X commands. Draft bryan-ftpext-hash.

use std::fmt;
use std::str::FromStr;

use crate::Verb;

/// An algorithm that OPTS HASH can choose.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum HashAlgorithm {
    /// SHA-256, which holds while nothing is chosen.
    #[default]
    Sha256,
    /// SHA-512.
    Sha512,
    /// SHA-1: against accidents, not against malice.
    Sha1,
    /// MD5: against accidents, not against malice.
    Md5,
    /// CRC-32 of ISO 3309: against accidents, not against malice.
    Crc32,
    /// BLAKE3 with 32 octets.
    Blake3,
}

/// The name is not one of [`HashAlgorithm::ALL`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected SHA-256, SHA-512, SHA-1, MD5, CRC32 or BLAKE3")]
pub struct UnknownHash;

/// One of the older commands, each with an algorithm of its own.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ChecksumCommand {
    /// XCRC.
    Xcrc,
    /// XMD5.
    Xmd5,
    /// XSHA: SHA-1.
    Xsha,
    /// XSHA1.
    Xsha1,
    /// XSHA256.
    Xsha256,
    /// XSHA512.
    Xsha512,
}

/// Octets of a file: from `first` to `last`, both of them among it (draft bryan-ftp-range).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ByteRange {
    first: u64,
    last: u64,
}

impl HashAlgorithm {
    /// Every algorithm, in the order of FEAT.
    pub const ALL: [Self; 6] = [
        Self::Sha256,
        Self::Sha512,
        Self::Sha1,
        Self::Md5,
        Self::Crc32,
        Self::Blake3,
    ];

    /// The name in FEAT, OPTS HASH and 213.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
            Self::Sha1 => "SHA-1",
            Self::Md5 => "MD5",
            Self::Crc32 => "CRC32",
            Self::Blake3 => "BLAKE3",
        }
    }

    /// The parameters of FEAT's HASH line: every algorithm, and `*` behind this one.
    #[must_use]
    pub fn feature_parameters(self) -> String {
        let marked = Self::ALL.map(|algorithm| {
            let mark = if algorithm == self { "*" } else { "" };
            format!("{}{mark}", algorithm.name())
        });
        marked.join(";")
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HashAlgorithm {
    type Err = UnknownHash;

    fn from_str(name: &str) -> Result<Self, UnknownHash> {
        let mut all = Self::ALL.into_iter();
        all.find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
            .ok_or(UnknownHash)
    }
}

impl ChecksumCommand {
    /// The code it is sent with.
    #[must_use]
    pub fn verb(self) -> Verb {
        match self {
            Self::Xcrc => Verb::Xcrc,
            Self::Xmd5 => Verb::Xmd5,
            Self::Xsha => Verb::Xsha,
            Self::Xsha1 => Verb::Xsha1,
            Self::Xsha256 => Verb::Xsha256,
            Self::Xsha512 => Verb::Xsha512,
        }
    }

    /// What it computes.
    #[must_use]
    pub fn algorithm(self) -> HashAlgorithm {
        match self {
            Self::Xcrc => HashAlgorithm::Crc32,
            Self::Xmd5 => HashAlgorithm::Md5,
            Self::Xsha | Self::Xsha1 => HashAlgorithm::Sha1,
            Self::Xsha256 => HashAlgorithm::Sha256,
            Self::Xsha512 => HashAlgorithm::Sha512,
        }
    }
}

impl ByteRange {
    /// The range, unless it ends before it begins, or is longer than can be counted.
    #[must_use]
    pub fn new(first: u64, last: u64) -> Option<Self> {
        (first <= last && last < u64::MAX).then_some(Self { first, last })
    }

    /// The first octet.
    #[must_use]
    pub fn first(self) -> u64 {
        self.first
    }

    /// The last octet.
    #[must_use]
    pub fn last(self) -> u64 {
        self.last
    }

    /// The octet behind the last.
    #[must_use]
    pub fn end(self) -> u64 {
        self.last.saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_are_known_by_their_names_in_any_case() {
        for algorithm in HashAlgorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
            assert_eq!(algorithm.name().to_lowercase().parse(), Ok(algorithm));
        }
        for name in ["", "SHA256", "SHA-3", "CRC32*"] {
            assert_eq!(name.parse::<HashAlgorithm>(), Err(UnknownHash), "{name}");
        }
    }

    #[test]
    fn the_feature_line_marks_the_algorithm_in_force() {
        let line = HashAlgorithm::Md5.feature_parameters();
        assert_eq!(line, "SHA-256;SHA-512;SHA-1;MD5*;CRC32;BLAKE3");
    }

    #[test]
    fn a_range_has_both_its_ends() {
        let range = ByteRange::new(5, 5).unwrap();
        assert_eq!((range.first(), range.last(), range.end()), (5, 5, 6));
        assert_eq!(ByteRange::new(1, 0), None);
        assert_eq!(ByteRange::new(0, u64::MAX), None);
    }
}
