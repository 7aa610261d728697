//! `--limit-rate`: how fast bytes may pass this host, all transfers of a copy together.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A rate in bytes a second. Who moved bytes waits until they are due, behind who came before.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: NonZeroU64,
    /// When all that has moved so far is due, in the clock's time.
    due: Mutex<Duration>,
}

impl Pace {
    pub(crate) fn new(rate: NonZeroU64) -> Self {
        Self {
            rate,
            due: Mutex::default(),
        }
    }

    /// How many bytes to move at once, so that a slow rate is no row of long silences.
    pub(crate) fn piece(&self) -> usize {
        let piece = usize::try_from(self.rate.get() / PIECES_A_SECOND).unwrap_or(usize::MAX);
        piece.max(PIECE_BYTES_MIN)
    }

    /// Counts bytes that have moved; how long to wait then.
    pub(crate) fn take(&self, now: Duration, bytes: usize) -> Duration {
        let cost = Duration::from_secs_f64(bytes as f64 / self.rate.get() as f64);
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        // What was not used before is not made up for.
        *due = (*due).max(now).saturating_add(cost);
        due.saturating_sub(now)
    }
}

const PIECES_A_SECOND: u64 = 8;

/// Less would cost more in packets than it evens out.
const PIECE_BYTES_MIN: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_due_one_behind_the_other_and_idle_time_is_lost() {
        let pace = Pace::new(NonZeroU64::new(1000).unwrap());
        let seconds = Duration::from_secs;
        assert_eq!(pace.take(seconds(10), 1000), seconds(1));
        assert_eq!(pace.take(seconds(10), 1000), seconds(2));
        assert_eq!(pace.take(seconds(11), 1000), seconds(2));
        assert_eq!(pace.take(seconds(90), 500), Duration::from_millis(500));
        assert_eq!(pace.piece(), 512);
        assert_eq!(Pace::new(NonZeroU64::MAX).piece(), usize::MAX / 8);
    }
}
