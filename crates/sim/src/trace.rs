//! What happened, in order: a hash of all of it, and the lines themselves where they are wanted.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// What is written down of a world, beside the promises that were broken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Record {
    /// Nothing: the fastest.
    Violations,
    /// A hash of all that happens.
    Hash,
    /// The hash, and every line.
    Lines,
}

/// The record of one simulated world. Clones are views of the same.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    record: Record,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    origin: Instant,
    hash: Fnv,
    lines: Vec<String>,
    violations: Vec<String>,
}

impl Trace {
    /// An empty record that begins now.
    #[must_use]
    pub(crate) fn new(record: Record) -> Self {
        Self {
            record,
            inner: Arc::new(Mutex::new(Inner {
                origin: Instant::now(),
                hash: Fnv(FNV_OFFSET),
                lines: Vec::new(),
                violations: Vec::new(),
            })),
        }
    }

    /// Milliseconds since the beginning.
    #[must_use]
    pub(crate) fn now(&self) -> u64 {
        millis(self.lock().origin)
    }

    /// Notes that something happened.
    pub(crate) fn note(&self, what: fmt::Arguments<'_>) {
        if self.record == Record::Violations {
            return;
        }
        let mut inner = self.lock();
        let at = millis(inner.origin);
        // Hashing and String take everything; neither fails.
        let _ = writeln!(inner.hash, "{at} {what}");
        if self.record == Record::Lines {
            inner.lines.push(format!("{at:>9} ms  {what}"));
        }
    }

    /// Notes that a promise was broken.
    pub(crate) fn broken(&self, what: fmt::Arguments<'_>) {
        self.note(format_args!("BROKEN {what}"));
        let at = self.now();
        let mut inner = self.lock();
        if inner.violations.len() < VIOLATIONS_MAX {
            inner.violations.push(format!("at {at} ms: {what}"));
        }
    }

    /// The hash of all that happened so far, if it was wanted.
    #[must_use]
    pub(crate) fn hash(&self) -> Option<u64> {
        (self.record != Record::Violations).then(|| self.lock().hash.0)
    }

    /// The lines so far; none if they were not wanted.
    #[must_use]
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lock().lines.clone()
    }

    /// The promises that were broken.
    #[must_use]
    pub(crate) fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(origin: Instant) -> u64 {
    u64::try_from(origin.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// FNV-1a: enough to tell two traces apart, and as fast as writing.
#[derive(Debug)]
struct Fnv(u64);

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
        }
        Ok(())
    }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// A world that is broken in one way is often broken in a hundred.
const VIOLATIONS_MAX: usize = 20;
