//! The three times a session watches: login, idleness, an unused reservation. Spec S-53, A-23.

use std::time::Duration;

use super::limits::Limits;

/// Moments since which a limit runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Timers {
    began: Duration,
    heard: Duration,
    reserved: Option<Duration>,
}

impl Timers {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            began: now,
            heard: now,
            reserved: None,
        }
    }

    /// A command or an event has come.
    pub(super) fn heard(&mut self, now: Duration) {
        self.heard = now;
    }

    /// A reservation has been made or used.
    pub(super) fn reserved(&mut self, now: Duration) {
        self.reserved = Some(now);
    }

    pub(super) fn nothing_reserved(&mut self) {
        self.reserved = None;
    }

    pub(super) fn login_is_over(&self, now: Duration, limits: &Limits) -> bool {
        now >= self.began + limits.login
    }

    pub(super) fn idle_is_over(&self, now: Duration, limits: &Limits) -> bool {
        now >= self.heard + limits.idle
    }

    pub(super) fn reservation_is_over(&self, now: Duration, limits: &Limits) -> bool {
        self.reserved
            .is_some_and(|since| now >= since + limits.reservation)
    }

    /// The next moment at which one of them is over.
    pub(super) fn next(&self, limits: &Limits, logged_in: bool) -> Duration {
        let idle = self.heard + limits.idle;
        let login = (!logged_in).then(|| self.began + limits.login);
        let reservation = self.reserved.map(|since| since + limits.reservation);
        [login, reservation]
            .into_iter()
            .flatten()
            .fold(idle, Duration::min)
    }
}
