//! How long the answer to a failed login is held back (spec S-27, design D16).

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use crate::limits::{
    FAILURE_FADES, FAILURES_COUNTED_MAX, FAILURES_UNTIL_HELD_OFF, PENALTIES_MAX, PENALTY_FIRST,
    PENALTY_MAX,
};

/// Failures by address, by name, or by both; bounded, the oldest make room. They fade one by one.
#[derive(Debug)]
pub(super) struct Throttle<K>(HashMap<K, Failures>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Duration,
}

impl<K> Default for Throttle<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Clone + Eq + Hash> Throttle<K> {
    /// Remembers a failure at `now`, and says how long its answer is held back.
    pub(super) fn fail(&mut self, key: K, now: Duration) -> Duration {
        let count = (self.count(&key, now) + 1).min(FAILURES_COUNTED_MAX);
        if self.0.len() >= PENALTIES_MAX && !self.0.contains_key(&key) {
            self.make_room();
        }
        let failures = Failures { count, last: now };
        self.0.insert(key, failures);
        failures.penalty()
    }

    /// How many failures of `key` have not faded.
    pub(super) fn count(&self, key: &K, now: Duration) -> u32 {
        self.0.get(key).map_or(0, |failures| failures.left(now))
    }

    /// Forgets as many failures of `key`, and no others.
    pub(super) fn forgive(&mut self, key: &K, count: u32) {
        if let Some(failures) = self.0.get_mut(key) {
            failures.count = failures.count.saturating_sub(count);
            if failures.count == 0 {
                self.0.remove(key);
            }
        }
    }

    /// How long `key` must still wait before an attempt is looked at; `None`: not at all.
    pub(super) fn held_off(&self, key: &K, now: Duration) -> Option<Duration> {
        let failures = self
            .0
            .get(key)
            .filter(|found| found.count >= FAILURES_UNTIL_HELD_OFF)?;
        (failures.last + failures.penalty())
            .checked_sub(now)
            .filter(|left| !left.is_zero())
    }

    fn make_room(&mut self) {
        let oldest = self.0.iter().min_by_key(|(_, failures)| failures.last);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            self.0.remove(&key);
        }
    }
}

impl Failures {
    fn penalty(self) -> Duration {
        let doubled = 2_u32.saturating_pow(self.count.saturating_sub(1));
        PENALTY_FIRST.saturating_mul(doubled).min(PENALTY_MAX)
    }

    fn left(self, now: Duration) -> u32 {
        let silence = now.saturating_sub(self.last);
        let faded = silence.as_secs() / FAILURE_FADES.as_secs();
        let faded = u32::try_from(faded).unwrap_or(u32::MAX);
        self.count.saturating_sub(faded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Duration = Duration::from_secs(12 * 60 * 60);

    //= security#S-27
    //= type=test
    #[test]
    fn each_failure_doubles_the_wait_up_to_the_most() {
        let mut throttle = Throttle::default();
        let waits: Vec<u64> = (0..12)
            .map(|_| throttle.fail("host", NOON).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(throttle.fail("another host", NOON), PENALTY_FIRST);
    }

    #[test]
    fn failures_that_are_forgiven_or_have_faded_are_new_starts() {
        let mut throttle = Throttle::default();
        for _ in 0..3 {
            throttle.fail("host", NOON);
        }
        throttle.forgive(&"host", 2);
        assert_eq!(throttle.fail("host", NOON), PENALTY_FIRST * 2);
        throttle.forgive(&"host", 7);
        assert_eq!(throttle.fail("host", NOON), PENALTY_FIRST);
        let later = NOON + FAILURE_FADES - Duration::from_millis(1);
        assert_eq!(throttle.fail("host", later), PENALTY_FIRST * 2);
        assert_eq!(throttle.fail("host", later), PENALTY_FIRST * 4);
        let much_later = later + FAILURE_FADES * 2;
        assert_eq!(throttle.count(&"host", much_later), 1);
        assert_eq!(throttle.fail("host", much_later), PENALTY_FIRST * 2);
    }

    //= security#S-27
    //= type=test
    #[test]
    fn however_many_failures_there_were_they_fade_within_the_hour() {
        let mut throttle = Throttle::default();
        for _ in 0..1_000 {
            throttle.fail("host", NOON);
        }
        let hour = Duration::from_secs(60 * 60);
        assert_eq!(throttle.fail("host", NOON + hour), PENALTY_FIRST);
    }

    #[test]
    fn who_keeps_failing_is_held_off_until_the_penalty_is_over() {
        let mut throttle = Throttle::default();
        for _ in 1..FAILURES_UNTIL_HELD_OFF {
            throttle.fail("host", NOON);
            assert_eq!(throttle.held_off(&"host", NOON), None);
        }
        let penalty = throttle.fail("host", NOON);
        assert_eq!(throttle.held_off(&"host", NOON), Some(penalty));
        assert_eq!(throttle.held_off(&"another host", NOON), None);
        assert_eq!(throttle.held_off(&"host", NOON + penalty), None);
    }

    #[test]
    fn a_full_table_drops_the_oldest() {
        let mut throttle = Throttle::default();
        for number in 0..PENALTIES_MAX {
            throttle.fail(number, NOON + Duration::from_millis(number as u64));
        }
        let later = NOON + Duration::from_secs(60);
        assert_eq!(throttle.fail(PENALTIES_MAX, later), PENALTY_FIRST);
        assert_eq!(throttle.0.len(), PENALTIES_MAX);
        assert_eq!(
            throttle.fail(1, later),
            PENALTY_FIRST * 2,
            "still remembered"
        );
        assert_eq!(throttle.fail(0, later), PENALTY_FIRST, "dropped");
    }
}
