//! Logins that failed: by address, by name, and by the two together. Spec S-27.
//!
//! A login makes good what failed at that name from that address, and nothing else: a guesser
//! with an account of his own, or beside somebody who has one, goes on where he was.

use std::net::IpAddr;
use std::time::Duration;

use super::throttle::Throttle;
use crate::limits::USER_NAME_BYTES_MAX;

/// What failed, as far as it is remembered.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    by_address: Throttle<IpAddr>,
    by_name: Throttle<String>,
    by_both: Throttle<Attempt>,
}

/// Someone at an address who tries a name.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Attempt {
    address: IpAddr,
    name: String,
}

impl Attempt {
    /// Names are remembered cut short, so that the tables stay small.
    pub(super) fn new(address: IpAddr, name: &str) -> Self {
        Self {
            address,
            name: name.chars().take(USER_NAME_BYTES_MAX).collect(),
        }
    }
}

impl Attempts {
    /// How long until the attempt is looked at; `None`: at once. Failures at the name count only
    /// where the address has a part in them, so that nobody is locked out by others.
    pub(super) fn held_off(&self, attempt: &Attempt, now: Duration) -> Option<Duration> {
        let address = self.by_address.held_off(&attempt.address, now);
        let name = (self.by_both.count(attempt, now) > 0)
            .then(|| self.by_name.held_off(&attempt.name, now))
            .flatten();
        address.max(name)
    }

    /// Remembers that the attempt failed; how long its answer is held back.
    pub(super) fn fail(&mut self, attempt: Attempt, now: Duration) -> Duration {
        let address = self.by_address.fail(attempt.address, now);
        let name = self.by_name.fail(attempt.name.clone(), now);
        self.by_both.fail(attempt, now);
        address.max(name)
    }

    /// The attempt succeeded: what failed of the same kind was a slip.
    pub(super) fn succeed(&mut self, attempt: &Attempt, now: Duration) {
        let slips = self.by_both.count(attempt, now);
        self.by_both.forgive(attempt, u32::MAX);
        self.by_address.forgive(&attempt.address, slips);
        self.by_name.forgive(&attempt.name, slips);
    }
}
