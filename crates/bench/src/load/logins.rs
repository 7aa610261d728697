//! Sessions in numbers: logged in and out again, or held idle.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Control;
use crate::failure::{Failure, Result};
use crate::peers::Running;

/// Logs in and out again for `time`, `users` at once, and returns how often, and how long it took.
pub(crate) fn log_in_for(
    server: &Running,
    users: usize,
    time: Duration,
) -> Result<(u64, Duration)> {
    let (logins, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let began = Instant::now();
    let failed = thread::scope(|scope| {
        let one_user = || -> Result<()> {
            while !over.load(Ordering::Relaxed) {
                server.log_in()?.quit()?;
                logins.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        let users: Vec<_> = (0..users).map(|_| scope.spawn(one_user)).collect();
        // Not a wait for something to happen: the length of the measurement.
        thread::sleep(time);
        over.store(true, Ordering::Relaxed);
        users.into_iter().find_map(|user| joined(user.join()).err())
    });
    let took = began.elapsed();
    match failed {
        Some(failure) => Err(failure),
        None => Ok((logins.into_inner(), took)),
    }
}

/// Sessions that are logged in and do nothing; they end when dropped.
pub(crate) struct Idle(Vec<Control>);

impl Idle {
    /// Logs in `count` times.
    pub(crate) fn log_in(server: &Running, count: usize) -> Result<Self> {
        let share = count.div_ceil(AT_ONCE);
        let some = |from: usize| -> Result<Vec<Control>> {
            let to = count.min(from + share);
            (from..to).map(|_| server.log_in()).collect()
        };
        let sessions = thread::scope(|scope| {
            let groups = (0..count).step_by(share.max(1));
            let groups: Vec<_> = groups.map(|from| scope.spawn(move || some(from))).collect();
            let groups = groups.into_iter().map(|group| joined(group.join()));
            groups.collect::<Result<Vec<_>>>()
        })?;
        Ok(Self(sessions.into_iter().flatten().collect()))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

fn joined<T>(thread: thread::Result<Result<T>>) -> Result<T> {
    thread.unwrap_or_else(|_| Err(Failure::new("a user's thread ended by panic")))
}

/// Logins at a time while idle sessions are being made: no server refuses so few.
const AT_ONCE: usize = 4;
