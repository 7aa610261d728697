//! What bounds and shows a transfer: the stall limit and the count of octets moved.

use std::fmt;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{BoxFuture, poll_fn};
use thirdhost_sockets::Clock;
use thirdhost_wire::Text;
use tokio::sync::watch;

use super::{Pace, TransferError};

/// How many octets have moved through the data connection, framing included. Share it in an
/// `Arc` to let STAT read it while the transfer runs.
#[derive(Debug, Default)]
pub struct Progress {
    octets: AtomicU64,
    marked: watch::Sender<Option<Mark>>,
}

/// A restart marker of the far side, before which everything is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mark {
    /// The marker.
    pub theirs: Text,
    /// How many octets this transfer has given the store before it.
    pub octets: u64,
}

impl Progress {
    /// Octets moved so far.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.octets.load(Ordering::Relaxed)
    }

    /// Tells the latest marker. Whoever looks too seldom misses those before it, so that no
    /// number of markers fills the memory; the latest is worth more than they are.
    #[must_use]
    pub fn marks(&self) -> watch::Receiver<Option<Mark>> {
        self.marked.subscribe()
    }

    pub(super) fn mark(&self, mark: Mark) {
        self.marked.send_replace(Some(mark));
    }

    fn add(&self, octets: u64) {
        self.octets.fetch_add(octets, Ordering::Relaxed);
    }
}

/// What a transfer is watched by.
#[derive(Clone, Copy, Debug)]
pub struct Watch<'a> {
    /// Counts the octets.
    pub progress: &'a Progress,
    /// How long the connection may stand still (spec S-53). Time the store takes is not
    /// counted.
    pub stall: Duration,
    /// How fast the octets may move.
    pub pace: &'a Pace,
    /// Whose time it is.
    pub clock: &'a dyn Clock,
}

/// Runs one operation of a connection after the other under the stall limit.
pub(super) struct Patience<'a> {
    pub(super) watch: Watch<'a>,
    timer: Option<BoxFuture<'static, ()>>,
}

impl<'a> Patience<'a> {
    pub(super) fn new(watch: Watch<'a>) -> Self {
        Self { watch, timer: None }
    }

    /// How many octets to move at a time.
    pub(super) fn piece(&self) -> usize {
        self.watch.pace.piece()
    }

    /// Whether octets may move as fast as they can.
    pub(super) fn is_unpaced(&self) -> bool {
        self.piece() == usize::MAX
    }

    /// Counts octets that have moved, and waits for as long as the rates ask for; that is not
    /// standing still.
    pub(super) async fn moved(&mut self, octets: u64) {
        let Watch {
            progress,
            pace,
            clock,
            ..
        } = self.watch;
        progress.add(octets);
        let wait = pace.take(|| clock.now(), octets);
        if !wait.is_zero() {
            clock.sleep(wait).await;
        }
    }

    /// Waits for `operation`, but not longer than the stall limit.
    pub(super) async fn wait<T>(
        &mut self,
        operation: impl Future<Output = io::Result<T>>,
    ) -> Result<T, TransferError> {
        let mut operation = pin!(operation);
        let Self {
            watch: Watch { stall, clock, .. },
            timer,
        } = self;
        let stall = *stall;
        let mut waiting_since = None;
        poll_fn(|context| {
            // The clock is not asked while octets flow.
            if let Poll::Ready(outcome) = operation.as_mut().poll(context) {
                return Poll::Ready(outcome.map_err(TransferError::Connection));
            }
            let since = *waiting_since.get_or_insert_with(|| clock.now());
            // The timer may be left over from an earlier operation and ring too early.
            while timer
                .get_or_insert_with(|| clock.sleep(stall))
                .as_mut()
                .poll(context)
                .is_ready()
            {
                let left = stall.saturating_sub(clock.now().saturating_sub(since));
                if left.is_zero() {
                    *timer = None;
                    return Poll::Ready(Err(TransferError::Stalled { after: stall }));
                }
                *timer = Some(clock.sleep(left));
            }
            Poll::Pending
        })
        .await
    }
}

impl fmt::Debug for Patience<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patience")
            .field("watch", &self.watch)
            .finish_non_exhaustive()
    }
}
