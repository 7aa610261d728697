//! Sockets that servers were told to call (PORT, EPRT), while one of them may still do so.
//!
//! Where the listener forgot such a socket meanwhile, because it failed, was aborted or was started
//! anew, it may tell the same number for the next file; who still calls there for the file before
//! would be taken for the next one's peer. No classic arrangement names the caller's port, so the
//! two cannot be told apart by a server. The client knows whom it told what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thirdhost_sockets::Clock;
use thirdhost_wire::HostSocket;

use crate::Environment;

/// All of them, of all that runs in one environment.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<BTreeMap<HostSocket, Calls>>);

/// A server that was told to call a socket. Dropped without its answer, as when its control
/// connection broke, it counts as one that goes on calling for [`UNHEARD`].
#[derive(Debug)]
pub(crate) struct Caller {
    told: Arc<Told>,
    clock: Arc<dyn Clock>,
    socket: HostSocket,
    rests: Option<Duration>,
}

/// Who may call one socket. Nobody tells a socket that is told already, but two that are told the
/// same at the same moment: then each counts by itself.
#[derive(Clone, Copy, Debug, Default)]
struct Calls {
    /// How many have not said that they are done.
    unanswered: usize,
    /// The clock's time until which one may call that gave up or was lost.
    until: Duration,
}

impl Told {
    /// Where somebody may still call.
    pub(crate) fn sockets(&self, clock: &dyn Clock) -> BTreeSet<HostSocket> {
        let mut sockets = self.lock();
        let now = clock.now();
        sockets.retain(|_, calls| calls.unanswered > 0 || calls.until > now);
        sockets.keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<HostSocket, Calls>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Caller {
    /// It is told now.
    pub(crate) fn new(environment: &Environment, socket: HostSocket) -> Self {
        let told = Arc::clone(&environment.told);
        told.lock().entry(socket).or_default().unanswered += 1;
        Self {
            told,
            clock: Arc::clone(&environment.world.clock),
            socket,
            rests: Some(UNHEARD),
        }
    }

    /// Its last word about the transfer: it calls no more. What it called once and was done with
    /// is used up; what it gave up may still be on its way.
    pub(crate) fn answered(mut self, is_done: bool) {
        self.rests = (!is_done).then_some(ON_ITS_WAY);
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let mut sockets = self.told.lock();
        let calls = sockets.entry(self.socket).or_default();
        calls.unanswered = calls.unanswered.saturating_sub(1);
        if let Some(rests) = self.rests {
            calls.until = calls.until.max(self.clock.now().saturating_add(rests));
        } else if calls.unanswered == 0 && calls.until <= self.clock.now() {
            sockets.remove(&self.socket);
        }
    }
}

/// How long a server may go on calling whose control connection is lost: about as long as the
/// Linux kernel repeats a call that nobody answers; servers give up sooner (vsftpd after 60 s).
const UNHEARD: Duration = Duration::from_secs(120);

/// How long a packet may be on its way to the other server that was sent before the caller gave
/// up, and said so to us.
const ON_ITS_WAY: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeNet;

    #[tokio::test(start_paused = true)]
    async fn a_socket_is_avoided_until_nobody_can_call_there_any_more() {
        let environment = FakeNet::default().environment();
        let clock = Arc::clone(&environment.world.clock);
        let socket = HostSocket::new([9, 9, 9, 1].into(), 40_002).unwrap();
        let is_avoided = || !environment.told.sockets(&*clock).is_empty();
        for (ending, seconds) in [(Some(true), 0), (Some(false), 5), (None, 120)] {
            let caller = Caller::new(&environment, socket);
            clock.sleep(Duration::from_secs(10_000)).await;
            assert!(is_avoided(), "it may be calling all the time");
            match ending {
                Some(is_done) => caller.answered(is_done),
                None => drop(caller),
            }
            let rest = Duration::from_secs(seconds);
            if let Some(almost) = rest.checked_sub(Duration::from_millis(1)) {
                clock.sleep(almost).await;
                assert!(is_avoided(), "{ending:?}");
                clock.sleep(Duration::from_millis(1)).await;
            }
            assert!(!is_avoided(), "{ending:?}");
        }
    }
    #[tokio::test(start_paused = true)]
    async fn one_that_is_done_does_not_speak_for_another() {
        let environment = FakeNet::default().environment();
        let clock = Arc::clone(&environment.world.clock);
        let socket = HostSocket::new([9, 9, 9, 1].into(), 40_002).unwrap();
        let is_avoided = || !environment.told.sockets(&*clock).is_empty();
        let callers = [(); 3].map(|()| Caller::new(&environment, socket));
        let [lost, calling, done] = callers;
        done.answered(true);
        drop(lost);
        clock.sleep(Duration::from_secs(10_000)).await;
        assert!(is_avoided(), "one has not answered");
        let lost = Caller::new(&environment, socket);
        drop(lost);
        calling.answered(true);
        clock.sleep(Duration::from_secs(119)).await;
        assert!(is_avoided(), "one was lost a moment ago");
        clock.sleep(Duration::from_secs(1)).await;
        assert!(!is_avoided());
    }
}
