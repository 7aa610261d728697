//! The third-party machine: one user-PI, two servers, and a file that goes directly between them.
//!
//! | step | LSTN | EPSV | PASV |
//! |---|---|---|---|
//! | parameters, both | TYPE, STRU, MODE; under TLS SSCN | the same | the same |
//! | presence, source | SIZE, else MLST | the same | the same |
//! | parameters, both | TYPE, STRU, MODE; TLS: SSCN | the same | the same |
//! | call, connector | `SOCK listener,X`, 255 Y | `EPRT` | `PORT` |
//! | pin, listener | `SOCK connector,Y` | `SOCK connector,0` if offered | the same |
//! | name, both, under TLS | `SITE PEERCERT`, if the plan has it | the same | the same |
//! | restart, both | `REST n`, 350, if the job begins at n; or RANG | the same | the same |
//! | transfer, both | RETR, and STOR or APPE right behind | the same | the same |
//! | abort, survivors | ABOR, and read until in step | the same | the same |

mod address;
mod in_use;
mod machine;
mod outcome;
mod payload;
mod protection;
mod steps;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use thirdhost_wire::{
    ByteRange, Command, Direction, Pathname, Reply, RepresentationType, Structure, TransmissionMode,
};

pub use address::{AddressRefused, is_unroutable, passive_address};
pub use machine::ThirdParty;
pub use outcome::{Cause, Done, Failure, Outcome, Step};
pub use protection::{ClientBy, Protection, Roles};

/// One of the two servers, by what it does with the file.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Side {
    /// The server that sends (RETR): SITE1 in RFC 438's example.
    Source,
    /// The server that stores (STOR, APPE): SITE2 in RFC 438's example.
    Destination,
}

impl Side {
    /// Both sides.
    pub const BOTH: [Self; 2] = [Self::Source, Self::Destination];

    /// The other server.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Source => Self::Destination,
            Self::Destination => Self::Source,
        }
    }

    /// Which way the file travels, seen from this server (spec R438-7).
    #[must_use]
    pub fn direction(self) -> Direction {
        match self {
            Self::Source => Direction::Send,
            Self::Destination => Direction::Receive,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Destination => "destination",
        })
    }
}

/// A value for each server.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct BySide<T> {
    /// The source server's.
    pub source: T,
    /// The destination server's.
    pub destination: T,
}

impl<T> BySide<T> {
    /// The value of one server.
    pub fn of(&self, side: Side) -> &T {
        match side {
            Side::Source => &self.source,
            Side::Destination => &self.destination,
        }
    }

    /// The value of one server, to be changed.
    pub fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Source => &mut self.source,
            Side::Destination => &mut self.destination,
        }
    }
}

/// How the two servers are brought together.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Arrangement {
    /// LSTN at one, SOCK at both: each knows the other's host and port. RFC 438.
    Lstn,
    /// EPSV at one, EPRT at the other. RFC 2428.
    Epsv,
    /// PASV at one, PORT at the other. RFC 959 section 5.2.
    Pasv,
}

impl fmt::Display for Arrangement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lstn => "LSTN and SOCK",
            Self::Epsv => "EPSV and EPRT",
            Self::Pasv => "PASV and PORT",
        })
    }
}

/// What happens to a file of that name at the destination.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Operation {
    /// STOR: it is replaced.
    Copy,
    /// APPE: it grows. RFC 438's own example.
    Append,
}

/// The transfer parameters both servers are given; they cannot negotiate (spec U-1).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Parameters {
    /// TYPE.
    pub representation: RepresentationType,
    /// STRU.
    pub structure: Structure,
    /// MODE.
    pub mode: TransmissionMode,
}

impl Default for Parameters {
    /// TYPE I, STRU F, MODE S: the bytes as they are.
    fn default() -> Self {
        Self {
            representation: RepresentationType::Image,
            structure: Structure::File,
            mode: TransmissionMode::Stream,
        }
    }
}

/// What is decided before the first command: everything but the file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan {
    /// How.
    pub arrangement: Arrangement,
    /// Which server listens; the other one calls.
    pub listener: Side,
    /// Where each server is reached by the other: its control connection's peer address, or what
    /// is configured for that site (spec U-7).
    pub hosts: BySide<IpAddr>,
    /// Whether a 227 address that is not the server's own is believed (spec S-20).
    pub trust_passive_address: BySide<bool>,
    /// Whether the listener knows SOCK, so that EPSV and PASV are pinned too (spec U-3).
    pub pin: bool,
    /// Whether data ports below 1024 are accepted (spec S-22).
    pub low_ports: bool,
    /// Whether the destination gets its command first, and says 1yz before RETR goes out: some
    /// servers take a data connection that begins to speak before STOR for a dead one.
    pub store_first: bool,
    /// TYPE, STRU and MODE.
    pub parameters: Parameters,
    /// TLS on the data connection.
    pub protection: Protection,
}

impl Plan {
    /// The server that calls.
    #[must_use]
    pub fn connector(&self) -> Side {
        self.listener.opposite()
    }
}

/// One file.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Job {
    /// STOR or APPE.
    pub operation: Operation,
    /// Its name at the source.
    pub from: Pathname,
    /// Its name at the destination.
    pub to: Pathname,
    /// Where it is gone on with, in octets: `REST` to both (RFC 3659 section 5); 0 sends no REST.
    pub offset: u64,
    /// The only octets that are to move: `RANG` to both instead of REST; all without.
    pub range: Option<ByteRange>,
}

/// What the machine asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Send a command.
    Send {
        /// To which server.
        side: Side,
        /// The command.
        command: Command,
    },
    /// Close the control connection: the server is out of step, and nothing it says counts.
    Close {
        /// Whose.
        side: Side,
    },
}

/// What the machine is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// A reply arrived.
    Reply {
        /// From which server.
        side: Side,
        /// The reply.
        reply: Reply,
    },
    /// The control connection is gone, or the server was silent for too long.
    Lost {
        /// Whose.
        side: Side,
    },
    /// What [`Wait::Patience`] allowed has passed.
    Elapsed,
    /// The user wants no more of it: both servers are told to abort.
    Stop,
}

/// How long the next event may reasonably take; the clock is the caller's.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Wait {
    /// As long as a reply may take.
    Reply,
    /// About 3 seconds; then [`Event::Elapsed`] is due, which is no failure (spec U-4).
    Patience,
    /// As long as the file may take: both servers are at work.
    Transfer,
    /// One server is done, the other must soon be (spec U-5).
    Straggler,
}
