//! SITE PARTS: a file that several sessions store at once, each a part of it.

use std::fmt;

use crate::{HashAlgorithm, Pathname};

/// What stands behind `SITE PARTS`.
///
/// ```text
/// SITE PARTS OPEN 8388608 big.iso      200 PARTS 00f1e2d3c4b5a697
/// SITE PARTS JOIN 00f1e2d3c4b5a697     200   in another session of the same user
/// RANG 4194304 8388607                 350   in either, and then
/// STOR big.iso                         226
/// SITE PARTS SIZE 00f1e2d3c4b5a697     213 4194304
/// SITE PARTS CLOSE SHA-256 9f86…       250   in the session that opened it
/// ```
///
/// Nothing is seen of the file before CLOSE, which compares the hash first, if one is told.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum PartsCommand {
    /// OPEN: begins a file whose parts will come. 200 with its key.
    Open {
        /// How long it will be; not 0.
        octets: u64,
        /// The name it will have.
        name: Pathname,
    },
    /// JOIN: each STOR behind a RANG stores a part of that file from now on.
    Join(PartsKey),
    /// SIZE: how many octets of it have come. 213.
    Size(PartsKey),
    /// CLOSE: the file appears under its name, if all of it is there.
    Close(Option<FileHash>),
    /// DROP: gives it up; what is at its name stays as it is.
    Drop,
}

/// Which file of parts is meant: chosen by the server, 16 hexadecimal digits on the wire.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct PartsKey(pub u64);

/// What a file has to be, or nothing appears.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct FileHash {
    /// How it is computed.
    pub algorithm: HashAlgorithm,
    digest: String,
}

impl PartsKey {
    /// The key in its 16 digits.
    #[must_use]
    pub fn parse(digits: &str) -> Option<Self> {
        let is_key = digits.len() == KEY_DIGITS && is_hexadecimal(digits);
        let number = u64::from_str_radix(digits, 16).ok();
        number.filter(|_| is_key).map(Self)
    }
}

impl fmt::Display for PartsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FileHash {
    /// A hash in hexadecimal digits, of either case.
    #[must_use]
    pub fn new(algorithm: HashAlgorithm, digest: &str) -> Option<Self> {
        let is_digest = (1..=DIGEST_DIGITS_MAX).contains(&digest.len()) && is_hexadecimal(digest);
        is_digest.then(|| Self {
            algorithm,
            digest: digest.to_ascii_lowercase(),
        })
    }

    /// In lower case.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// As on the wire, behind `SITE PARTS `.
impl fmt::Display for PartsCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { octets, name } => write!(f, "OPEN {octets} {name}"),
            Self::Join(key) => write!(f, "JOIN {key}"),
            Self::Size(key) => write!(f, "SIZE {key}"),
            Self::Close(None) => f.write_str("CLOSE"),
            Self::Close(Some(FileHash { algorithm, digest })) => {
                write!(f, "CLOSE {algorithm} {digest}")
            }
            Self::Drop => f.write_str("DROP"),
        }
    }
}

fn is_hexadecimal(digits: &str) -> bool {
    digits.bytes().all(|octet| octet.is_ascii_hexdigit())
}

/// 64 bits.
const KEY_DIGITS: usize = 16;

/// SHA-512 has the most.
const DIGEST_DIGITS_MAX: usize = 128;
