//! Two control connections and a file that goes directly between their servers.

mod diagnosis;
mod driver;
mod ladder;
mod pair;
pub(crate) mod parts;
mod prepared;
mod probe;
mod relay;
mod secrecy;
mod verify;

use std::fmt;
use std::time::Duration;

use thirdhost_proto::third_party::{Arrangement, Parameters, Side};

pub use diagnosis::Diagnosis;
pub use pair::Pair;
pub(crate) use prepared::Prepared;
pub use probe::{Probe, Probed, Trial, Verdict};

/// How two servers may be brought together.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Policy {
    /// Which arrangements.
    pub via: Via,
    /// Which server may listen.
    pub listen: Listen,
    /// Whether the bytes may go through this host where no arrangement works.
    pub relay: Relay,
    /// What is checked when both said done.
    pub verify: Verify,
    /// TYPE, STRU and MODE.
    pub parameters: Parameters,
    /// Whether two servers under TLS may meet that cannot check each other's certificate.
    pub unverified_peers: bool,
    /// What worked between the two before: it is tried first.
    pub known: Option<Known>,
}

/// What worked between two servers.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Known {
    /// A way of bringing them together. If it fails now, the others are tried.
    Direct {
        /// Which arrangement.
        arrangement: Arrangement,
        /// Which server listened.
        listener: Side,
    },
    /// None: where the relay is allowed, nothing else is tried.
    Relay,
}

/// Which arrangements are tried.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Via {
    /// All, the safest first (spec U-3).
    #[default]
    Auto,
    /// One and no other.
    Only(Arrangement),
    /// None: through this host (spec U-3).
    Relay,
}

/// Whether the bytes may go through this host where no arrangement works.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Relay {
    /// As the last rung of [`Via::Auto`].
    #[default]
    Last,
    /// Not at all.
    Never,
}

/// Which server may be the one that listens.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Listen {
    /// Either, the destination first (spec U-2).
    #[default]
    Auto,
    /// One and not the other.
    Only(Side),
}

/// What is checked after both servers said 2yz (spec U-8).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Verify {
    /// The size and the strongest hash, where both servers tell them.
    #[default]
    Auto,
    /// The strongest hash that both know; it is an error if they know none.
    Hash,
    /// The size; it is an error if a server does not tell it.
    Size,
    /// Nothing.
    None,
}

/// How a file got there.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// How many bytes moved; `None` if neither server tells sizes.
    pub bytes: Option<u64>,
    /// Where it was gone on with; what lies before was there.
    pub offset: u64,
    /// From the first command of this file to the last reply.
    pub elapsed: Duration,
    /// How the servers were brought together; `None` if the bytes went through this host.
    pub arrangement: Option<Arrangement>,
    /// Which one listened for the other; `None` if the bytes went through this host.
    pub listener: Option<Side>,
    /// How the data connection between the two servers was protected.
    pub protection: Protected,
    /// `false` if the arrangement of the file before was used again (design D6).
    pub arranged: bool,
    /// Whether the sizes were compared and agree.
    pub verified: bool,
    /// The hash that was compared and agrees, by the name HASH has for it.
    pub hash: Option<&'static str>,
    /// Bytes of the file that passed this host: 0, unless it was relayed.
    pub data_bytes_here: u64,
    /// What was tried before and refused.
    pub refusals: Vec<Refusal>,
}

/// How the data connection between two servers was protected.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Protected {
    /// Not at all, as their control connections; or there was none.
    #[default]
    No,
    /// By TLS; neither could check whom it met, or one alone ([`Policy::unverified_peers`]).
    Unchecked,
    /// By TLS, and each was shown the certificate of the other's control connection.
    Mutually,
}

impl Report {
    /// Which way worked.
    #[must_use]
    pub fn way(&self) -> Known {
        match (self.arrangement, self.listener) {
            (Some(arrangement), Some(listener)) => Known::Direct {
                arrangement,
                listener,
            },
            _ => Known::Relay,
        }
    }
}

/// One way that did not work, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Refusal {
    /// The arrangement.
    pub arrangement: Arrangement,
    /// Which server listened, or would have.
    pub listener: Side,
    /// Why not: which server, at which step, in its own words.
    pub reason: String,
    /// The number of the reply that said so, where one did.
    pub code: Option<u16>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} with the {} listening: {}",
            self.arrangement, self.listener, self.reason
        )
    }
}
