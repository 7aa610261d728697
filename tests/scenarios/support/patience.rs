//! Waiting for what can be observed, and for nothing else.

use std::thread;
use std::time::{Duration, Instant};

/// Waits until `look` sees something; fails the test when it does not in time.
pub(crate) fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(LONG, what, look)
}

/// Waits until `condition` holds.
pub(crate) fn until_true(what: &str, mut condition: impl FnMut() -> bool) {
    until(what, || condition().then_some(()));
}

/// As [`until`]; what is still wrong when it does not come is told.
pub(crate) fn until_ok(what: &str, mut look: impl FnMut() -> Result<(), String>) {
    let deadline = Instant::now() + LONG;
    while let Err(wrong) = look() {
        assert!(
            Instant::now() < deadline,
            "not within {LONG:?}: {what}: {wrong}"
        );
        thread::park_timeout(STEP);
    }
}

/// As [`until`], with a time of one's own.
pub(crate) fn within<T>(time: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + time;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "not within {time:?}: {what}");
        thread::park_timeout(STEP);
    }
}

/// Longer than anything here takes on a machine that is busy with something else.
pub(crate) const LONG: Duration = Duration::from_secs(20);

const STEP: Duration = Duration::from_millis(5);
