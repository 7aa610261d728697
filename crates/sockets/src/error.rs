//! What can go wrong with a data socket, and whose side it is.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use thirdhost_wire::HostSocket;

use crate::Denied;

/// Why no port could be allocated. Always this host's side: 425.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AllocateError {
    /// Every port of the configured range is leased, or was taken by another process.
    #[error("no free data port in {first}-{last}; {leased} are leased by this process")]
    Exhausted {
        /// First port of the range.
        first: u16,
        /// Last port of the range.
        last: u16,
        /// How many this process has leased.
        leased: usize,
    },
    /// The system refused for another reason.
    #[error("cannot bind a data socket on {local}")]
    Io {
        /// The address that was asked for.
        local: IpAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// Why no data connection came about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Too many callers other than the expected one (spec D-11, S-52).
    #[error("{rejected} callers other than {expected} in one wait")]
    TooManyStrangers {
        /// How many were reset.
        rejected: u32,
        /// Whom the filter names.
        expected: String,
    },
    /// Nobody acceptable called, or the peer did not answer the call.
    #[error("no data connection within {after:?} ({rejected} callers rejected)")]
    TimedOut {
        /// The time limit.
        after: Duration,
        /// How many callers were reset; 0 for a call.
        rejected: u32,
    },
    /// The peer refused every attempt until the time limit (spec D-7).
    #[error("{peer} refused every call within {after:?}")]
    Refused {
        /// Who was called.
        peer: HostSocket,
        /// The time limit.
        after: Duration,
    },
    /// Policy forbids the peer. Nothing was sent to it.
    #[error("policy forbids the data connection")]
    Denied(#[from] Denied),
    /// The peer's address family is not the reserved socket's: 522.
    #[error("cannot reach {peer} from {local}: different address families")]
    Family {
        /// Our address.
        local: IpAddr,
        /// Who was to be called.
        peer: HostSocket,
    },
    /// The system said no to a call.
    #[error("cannot call {peer}")]
    Call {
        /// Who was called.
        peer: HostSocket,
        /// What the system said.
        source: io::Error,
    },
    /// The system said no while listening.
    #[error("cannot accept data connections")]
    Accept(#[source] io::Error),
}

/// Whose side a fault is on.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Fault {
    /// This host, its operator's rules included.
    Local,
    /// The far end, or the way to it.
    Remote,
}

impl OpenError {
    /// Whose side the fault is on. What a peer is told does not depend on it (spec S-5).
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::TooManyStrangers { .. } | Self::TimedOut { .. } | Self::Refused { .. } => {
                Fault::Remote
            }
            Self::Call { source, .. } => call_fault(source.kind()),
            Self::Denied(_) | Self::Family { .. } | Self::Accept(_) => Fault::Local,
        }
    }
}

fn call_fault(kind: io::ErrorKind) -> Fault {
    match kind {
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::TimedOut => Fault::Remote,
        _ => Fault::Local,
    }
}
