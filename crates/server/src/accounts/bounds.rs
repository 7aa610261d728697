//! How much one user may take.

use std::num::NonZeroU64;

use thirdhost_wire::Direction;

/// The bounds of one user, over all of its sessions. `None`: only the server's own hold.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Bounds {
    /// Sessions that may be logged in at once (spec S-52). Key `sessions`.
    pub sessions: Option<usize>,
    /// How fast all of the user's transfers together may be. Key `rate`.
    pub rate: Rates,
    /// How fast each transfer may be. Key `rate_per_transfer`.
    pub rate_per_transfer: Rates,
    /// How many octets may lie in the home, what interrupted and running uploads have left there
    /// included (spec S-59). Key `quota`.
    pub quota: Option<u64>,
    /// How many octets a file may have that is stored. Key `max_file_size`.
    pub max_file_size: Option<u64>,
}

/// Octets a second over data connections, seen from us.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Rates {
    /// Sending: RETR and listings.
    pub send: Option<NonZeroU64>,
    /// Receiving: STOR, STOU, APPE.
    pub receive: Option<NonZeroU64>,
}

impl Rates {
    /// The rate in one direction.
    #[must_use]
    pub fn of(self, direction: Direction) -> Option<NonZeroU64> {
        match direction {
            Direction::Send => self.send,
            Direction::Receive => self.receive,
        }
    }
}
