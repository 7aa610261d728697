//! How much there is in a home, and whether there is room for more.
//!
//! The count of a home is never too low: what arrives is added before it is written, and nothing
//! is ever subtracted. When the count says that there is no room, the home is counted anew, so
//! that what was deleted, replaced or swept meanwhile is found; how often, is bounded by how
//! long it takes.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thirdhost_sockets::Clock;

use super::super::{Store, StoreError};
use crate::limits::{USAGE_KEPT, USAGE_PAUSE_MIN, USAGE_PAUSE_RATIO};

/// The bound of one user on the count of its home.
#[derive(Clone)]
pub(super) struct Quota {
    pub(super) most: u64,
    pub(super) usage: Arc<Usage>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Quota {
    /// Adds `octets` that are about to be written, once there is room for them.
    pub(super) async fn charge(&self, octets: u64) -> Result<Charge, StoreError> {
        loop {
            if let Some(charge) = Usage::add(&self.usage, octets, self.most) {
                return Ok(charge);
            }
            if !self.count_anew().await? {
                return Err(StoreError::NoSpace);
            }
        }
    }

    /// Whether there is room for `octets`.
    pub(super) async fn room(&self, octets: u64) -> Result<(), StoreError> {
        // What comes from elsewhere is found after a while.
        if self.usage.is_old(self.clock.now()) {
            self.count_anew().await?;
        }
        while !self.usage.has_room(octets, self.most) {
            if !self.count_anew().await? {
                return Err(StoreError::NoSpace);
            }
        }
        Ok(())
    }

    /// Counts the home when that was long ago, unless somebody does so already.
    pub(super) async fn keep_fresh(self) {
        if !self.usage.is_old(self.clock.now()) || self.usage.counting.try_lock().is_err() {
            return;
        }
        if let Err(error) = self.count_anew().await {
            tracing::warn!(%error, "a home with a quota cannot be counted");
        }
    }

    /// Counts the home, or waits until somebody else has. `false`: that was done a short
    /// while ago, and another walk would find hardly less.
    async fn count_anew(&self) -> Result<bool, StoreError> {
        let before = self.usage.counts();
        let _one_at_a_time = self.usage.counting.lock().await;
        if self.usage.counts() != before {
            return Ok(true);
        }
        let began = self.clock.now();
        let Some(unseen) = self.usage.begin_count(began) else {
            return Ok(false);
        };
        // Also when it fails, or when whoever asks is gone before it is over.
        let _then_rest = Walk {
            usage: &self.usage,
            clock: &*self.clock,
            began,
        };
        let walked = self.store.usage().await.inspect_err(|error| {
            tracing::error!(%error, "a home with a quota cannot be counted");
        })?;
        self.usage.end_count(walked, unseen, began);
        Ok(true)
    }
}

impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quota")
            .field("most", &self.most)
            .field("usage", &self.usage)
            .finish_non_exhaustive()
    }
}

/// How much there is in a home, at most.
#[derive(Debug, Default)]
pub(super) struct Usage {
    count: Mutex<Count>,
    counting: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Count {
    /// `None` until the home has been walked over once.
    used: Option<u64>,
    /// All that was ever added.
    added: u64,
    /// What was added and may not have been written yet.
    unwritten: u64,
    /// When the last walk began and how many there were.
    counted: Duration,
    counts: u64,
    /// Not to be walked over again before.
    rest_until: Duration,
}

/// A walk over the home; after it there is a pause, the longer the longer it took.
struct Walk<'a> {
    usage: &'a Usage,
    clock: &'a dyn Clock,
    began: Duration,
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        let now = self.clock.now();
        let took = now.saturating_sub(self.began);
        let rest = took.saturating_mul(USAGE_PAUSE_RATIO).max(USAGE_PAUSE_MIN);
        self.usage.count().rest_until = now.saturating_add(rest);
    }
}

/// What a walk that begins now cannot be sure to see.
struct Unseen {
    added: u64,
    unwritten: u64,
}

impl Usage {
    fn add(usage: &Arc<Self>, octets: u64, most: u64) -> Option<Charge> {
        let mut count = usage.count();
        let used = count.used?.checked_add(octets)?;
        if octets > 0 && used > most {
            return None;
        }
        count.used = Some(used);
        count.added = count.added.saturating_add(octets);
        count.unwritten = count.unwritten.saturating_add(octets);
        Some(Charge {
            usage: Arc::clone(usage),
            octets,
        })
    }

    fn has_room(&self, octets: u64, most: u64) -> bool {
        let used = self.count().used.and_then(|used| used.checked_add(octets));
        used.is_some_and(|used| used <= most)
    }

    fn is_old(&self, now: Duration) -> bool {
        let count = self.count();
        count.used.is_none() || now.saturating_sub(count.counted) >= USAGE_KEPT
    }

    pub(super) fn counts(&self) -> u64 {
        self.count().counts
    }

    fn begin_count(&self, now: Duration) -> Option<Unseen> {
        let count = self.count();
        (count.used.is_none() || now >= count.rest_until).then_some(Unseen {
            added: count.added,
            unwritten: count.unwritten,
        })
    }

    fn end_count(&self, walked: u64, unseen: Unseen, began: Duration) {
        let mut count = self.count();
        let meanwhile = count.added.saturating_sub(unseen.added);
        let not_seen = unseen.unwritten.saturating_add(meanwhile);
        count.used = Some(walked.saturating_add(not_seen));
        count.counted = began;
        count.counts += 1;
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        // Whole after every statement.
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Octets that have been added and are being written.
pub(super) struct Charge {
    usage: Arc<Usage>,
    octets: u64,
}

impl Drop for Charge {
    fn drop(&mut self) {
        let mut count = self.usage.count();
        count.unwritten = count.unwritten.saturating_sub(self.octets);
    }
}
