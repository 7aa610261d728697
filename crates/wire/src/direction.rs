//! The direction of a data connection, as LSTN's argument says it. RFC 438 clause a.

use std::fmt;

/// Which way data travels, seen from the server that is told (spec R438-7).
///
/// The set is closed: RFC 438 knows `S` and `R` and nothing else.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Direction {
    /// `S`: the server sends (RETR, and the listings).
    Send,
    /// `R`: the server receives (STOR, STOU, APPE).
    Receive,
}

impl Direction {
    /// The other direction: what the server at the far end must be told.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Send => Self::Receive,
            Self::Receive => Self::Send,
        }
    }

    /// The letter on the wire, `S` or `R`.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Send => 'S',
            Self::Receive => 'R',
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.letter())
    }
}
