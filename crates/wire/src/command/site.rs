//! SITE: the subcommands of this server. RFC 959 section 4.1.3, spec section 6.

use std::fmt;

use super::PartsCommand;
use crate::{Pathname, Text, TimeVal};

/// A subcommand of SITE with its argument.
///
/// Not `#[non_exhaustive]`, as [`Command`](super::Command): a new one must break every match.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum SiteCommand {
    /// CHMOD: the permission bits of a file.
    Chmod {
        /// The bits, at most 7777 octal.
        mode: u32,
        /// The file.
        name: Pathname,
    },
    /// HELP: the subcommands.
    Help(Option<Text>),
    /// IDLE: how long the session may say nothing; `None` asks.
    Idle(Option<u64>),
    /// PARTS: a file that several sessions store at once.
    Parts(PartsCommand),
    /// SYMLINK: known and never done; what should be linked is not read.
    Symlink,
    /// UTIME, in either of its forms: when a file was last changed.
    Utime {
        /// The time.
        modified: TimeVal,
        /// The file.
        name: Pathname,
    },
    /// WHO: who is here.
    Who,
    /// PEERCERT: the certificate that the peer of the data connection will show (spec D-23).
    PeerCert {
        /// The SHA-256 of the DER form of the end-entity certificate.
        sha256: [u8; 32],
    },
}

/// As on the wire, behind `SITE `.
impl fmt::Display for SiteCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chmod { mode, name } => write!(f, "CHMOD {mode:03o} {name}"),
            Self::Help(None) => f.write_str("HELP"),
            Self::Help(Some(topic)) => write!(f, "HELP {topic}"),
            Self::Idle(None) => f.write_str("IDLE"),
            Self::Idle(Some(seconds)) => write!(f, "IDLE {seconds}"),
            Self::Parts(parts) => write!(f, "PARTS {parts}"),
            Self::Symlink => f.write_str("SYMLINK"),
            Self::Utime { modified, name } => write!(f, "UTIME {modified} {name}"),
            Self::Who => f.write_str("WHO"),
            Self::PeerCert { sha256 } => {
                f.write_str("PEERCERT SHA256 ")?;
                sha256.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
        }
    }
}
