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

    /// Whoever was in is not any more: the time for a login runs anew.
    pub(super) fn login_begins(&mut self, now: Duration) {
        self.began = now;
    }

    /// The moment at which the time for a login is over.
    pub(super) fn login(&self, limits: &Limits) -> Duration {
        self.began + limits.login
    }

    pub(super) fn login_is_over(&self, now: Duration, limits: &Limits) -> bool {
        now >= self.login(limits)
    }

    pub(super) fn idle_is_over(&self, now: Duration, limits: &Limits) -> bool {
        now >= self.heard + limits.idle
    }

    pub(super) fn reservation_is_over(&self, now: Duration, limits: &Limits) -> bool {
        self.reserved
            .is_some_and(|since| now >= since + limits.reservation)
    }

    /// The next moment at which one of the others is over.
    pub(super) fn next(&self, limits: &Limits) -> Duration {
        let idle = self.heard + limits.idle;
        let reservation = self.reserved.map(|since| since + limits.reservation);
        reservation.map_or(idle, |reservation| reservation.min(idle))
    }
}
