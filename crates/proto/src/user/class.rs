//! The five kinds of replies, which is all a user-PI decides on. RFC 1123 section 4.1.2.11.

use std::fmt;

use thirdhost_wire::ReplyCode;

/// What the first digit of a reply says (spec Q-14).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Class {
    /// 1yz: under way, another reply follows.
    Preliminary,
    /// 2yz: done.
    Completion,
    /// 3yz: accepted so far, more is wanted.
    Intermediate,
    /// 4yz: not now; the same command may succeed later.
    TransientNegative,
    /// 5yz: no.
    PermanentNegative,
}

impl Class {
    /// The class of a code.
    #[must_use]
    pub fn of(code: ReplyCode) -> Self {
        if code.is_preliminary() {
            Self::Preliminary
        } else if code.is_completion() {
            Self::Completion
        } else if code.is_intermediate() {
            Self::Intermediate
        } else if code.is_transient_negative() {
            Self::TransientNegative
        } else {
            Self::PermanentNegative
        }
    }

    /// Whether the command was refused or failed (4yz, 5yz).
    #[must_use]
    pub fn is_negative(self) -> bool {
        matches!(self, Self::TransientNegative | Self::PermanentNegative)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preliminary => "preliminary",
            Self::Completion => "completion",
            Self::Intermediate => "intermediate",
            Self::TransientNegative => "transient negative",
            Self::PermanentNegative => "permanent negative",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_digit_alone_decides() {
        for (code, class, name) in [
            (120, Class::Preliminary, "preliminary"),
            (199, Class::Preliminary, "preliminary"),
            (200, Class::Completion, "completion"),
            (255, Class::Completion, "completion"),
            (331, Class::Intermediate, "intermediate"),
            (421, Class::TransientNegative, "transient negative"),
            (500, Class::PermanentNegative, "permanent negative"),
            (599, Class::PermanentNegative, "permanent negative"),
        ] {
            let found = Class::of(ReplyCode::new(code).unwrap());
            assert_eq!(found, class, "{code}");
            assert_eq!(found.is_negative(), code >= 400, "{code}");
            assert_eq!(found.to_string(), name);
        }
    }
}
