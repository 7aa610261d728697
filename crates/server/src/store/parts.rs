//! Files that come in parts: which octets are being stored, which have come, and what writes them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;

use super::{Source, StoreError, Upload};
use crate::limits::PARTS_MAX;

/// A file whose parts are stored at once, in any order. Nothing is seen of it before it is
/// committed; dropping it gives it up.
pub trait Assembly: fmt::Debug + Send + Sync {
    /// An upload of the octets of `claim`. Committing it makes nothing visible: it notes that
    /// they are in place.
    fn part(&self, claim: Claim) -> Box<dyn Upload>;

    /// Opens what has come so far for reading from the beginning.
    fn open(&self) -> BoxFuture<'_, Result<Box<dyn Source>, StoreError>>;

    /// Does what takes long of [`commit`](Self::commit), as long as it can be dropped.
    ///
    /// # Errors
    /// Those of `commit`.
    fn settle(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    /// Makes the file appear, whole; its length is what has come. When it returns, the data is
    /// in place.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>>;

    /// Gives the file up. When it returns, nothing is left of it.
    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
        drop(self);
        Box::pin(async {})
    }
}

/// The octets of one file of parts.
#[derive(Debug)]
pub struct Ranges {
    octets: u64,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    parts: Vec<Part>,
    /// Nothing more is written: the file was given up.
    ended: bool,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    first: u64,
    end: u64,
    /// Where the next octet goes; `end` once it is done.
    at: u64,
    done: bool,
}

/// The right to store some octets of a file of parts, and nobody else's; dropped, they are free
/// again.
#[derive(Debug)]
pub struct Claim {
    ranges: Arc<Ranges>,
    first: u64,
    end: u64,
    at: u64,
}

impl Ranges {
    /// Of a file of `octets`, none of which has come.
    #[must_use]
    pub fn new(octets: u64) -> Arc<Self> {
        Arc::new(Self {
            octets,
            inner: Mutex::default(),
        })
    }

    /// Claims the octets from `first` up to `end`.
    ///
    /// # Errors
    /// [`StoreError::BadOffset`] where the file has no such octets, [`StoreError::Busy`] while
    /// any of them are claimed or have come, or where there are as many parts as may be, and
    /// [`StoreError::NotFound`] once the file was given up.
    pub fn claim(self: &Arc<Self>, first: u64, end: u64) -> Result<Claim, StoreError> {
        if first >= end || end > self.octets {
            return Err(StoreError::BadOffset);
        }
        let mut inner = self.inner();
        if inner.ended {
            return Err(StoreError::NotFound);
        }
        let is_taken = |part: &Part| part.first < end && first < part.end;
        if inner.parts.iter().any(is_taken) || inner.parts.len() >= PARTS_MAX {
            return Err(StoreError::Busy);
        }
        inner.parts.push(Part {
            first,
            end,
            at: first,
            done: false,
        });
        Ok(Claim {
            ranges: Arc::clone(self),
            first,
            end,
            at: first,
        })
    }

    /// How many octets have come.
    #[must_use]
    pub fn stored(&self) -> u64 {
        let inner = self.inner();
        let stored = |part: &Part| part.at.saturating_sub(part.first);
        inner.parts.iter().map(stored).sum()
    }

    /// Whether every octet has come.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let inner = self.inner();
        // No two parts overlap, so that their sum is the whole or less.
        let done = inner.parts.iter().filter(|part| part.done);
        done.map(|part| part.end.saturating_sub(part.first))
            .sum::<u64>()
            == self.octets
    }

    /// Gives the file up: whoever still writes is refused.
    pub fn end(&self) {
        self.inner().ended = true;
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// Where the next `octets` go.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`] where the part has not that many left, and
    /// [`StoreError::NotFound`] once the file was given up.
    pub fn next(&self, octets: u64) -> Result<u64, StoreError> {
        if self.ranges.inner().ended {
            return Err(StoreError::NotFound);
        }
        if octets > self.end.saturating_sub(self.at) {
            return Err(StoreError::NoSpace);
        }
        Ok(self.at)
    }

    /// The next `octets` are written.
    pub fn advance(&mut self, octets: u64) {
        self.at = self.at.saturating_add(octets).min(self.end);
        let at = self.at;
        if let Some(part) = self.ranges.inner().part(self.first) {
            part.at = at;
        }
    }

    /// All octets are written.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`] where they are not, and [`StoreError::NotFound`] once the file
    /// was given up.
    pub fn fulfil(self) -> Result<(), StoreError> {
        let mut inner = self.ranges.inner();
        if inner.ended {
            return Err(StoreError::NotFound);
        }
        if self.at != self.end {
            return Err(StoreError::Incomplete);
        }
        if let Some(part) = inner.part(self.first) {
            part.done = true;
        }
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let first = self.first;
        let is_other = |part: &Part| part.first != first || part.done;
        self.ranges.inner().parts.retain(is_other);
    }
}

impl Inner {
    fn part(&mut self, first: u64) -> Option<&mut Part> {
        self.parts.iter_mut().find(|part| part.first == first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T: fmt::Debug>(found: Result<T, StoreError>) -> String {
        found.unwrap_err().to_string()
    }

    fn fulfilled(ranges: &Arc<Ranges>, first: u64, end: u64) {
        let mut claim = ranges.claim(first, end).unwrap();
        claim.advance(end - first);
        claim.fulfil().unwrap();
    }

    /// Every way to cut 5 octets in up to 5 parts, stored in the order of a rotation.
    #[test]
    fn a_file_is_whole_when_every_part_has_come_and_not_before() {
        for cuts in 0_u32..16 {
            let mut ends: Vec<u64> = (1..5).filter(|at| cuts >> (at - 1) & 1 == 1).collect();
            ends.push(5);
            let firsts = std::iter::once(0).chain(ends.iter().copied());
            let parts: Vec<(u64, u64)> = firsts.zip(ends.iter().copied()).collect();
            for start in 0..parts.len() {
                let ranges = Ranges::new(5);
                let mut stored = 0;
                for at in 0..parts.len() {
                    assert!(!ranges.is_whole(), "{parts:?} {start} {at}");
                    let (first, end) = parts[(start + at) % parts.len()];
                    fulfilled(&ranges, first, end);
                    stored += end - first;
                    assert_eq!(ranges.stored(), stored);
                }
                assert!(ranges.is_whole(), "{parts:?} {start}");
            }
        }
    }

    #[test]
    fn no_octet_is_stored_twice_and_none_that_the_file_does_not_have() {
        let ranges = Ranges::new(10);
        let middle = ranges.claim(3, 6).unwrap();
        for (first, end, expected) in [
            (0, 4, "busy"),
            (5, 10, "busy"),
            (3, 6, "busy"),
            (4, 5, "busy"),
            (0, 10, "busy"),
            (6, 11, "offset beyond the end"),
            (6, 6, "offset beyond the end"),
            (7, 6, "offset beyond the end"),
            (u64::MAX - 1, u64::MAX, "offset beyond the end"),
        ] {
            assert_eq!(refused(ranges.claim(first, end)), expected, "{first} {end}");
        }
        drop(middle);
        fulfilled(&ranges, 3, 6);
        assert_eq!(refused(ranges.claim(0, 4)), "busy");
        let before = ranges.claim(0, 3).unwrap();
        let behind = ranges.claim(6, 10).unwrap();
        drop((before, behind));
        assert_eq!(ranges.stored(), 3);
    }

    #[test]
    fn a_part_takes_its_octets_no_more_and_no_fewer() {
        let ranges = Ranges::new(10);
        let mut claim = ranges.claim(2, 6).unwrap();
        assert_eq!(claim.next(4).unwrap(), 2);
        assert_eq!(refused(claim.next(5)), "no space");
        claim.advance(3);
        assert_eq!(ranges.stored(), 3);
        assert_eq!(claim.next(1).unwrap(), 5);
        assert_eq!(refused(claim.next(2)), "no space");
        assert_eq!(refused(claim.fulfil()), "octets are missing");
        assert_eq!(ranges.stored(), 0, "what failed does not count");
    }

    #[test]
    fn nothing_is_written_to_a_file_that_was_given_up() {
        let ranges = Ranges::new(10);
        let mut claim = ranges.claim(0, 10).unwrap();
        claim.advance(10);
        ranges.end();
        assert_eq!(refused(claim.next(0)), "not found");
        assert_eq!(refused(claim.fulfil()), "not found");
        assert_eq!(refused(ranges.claim(0, 10)), "not found");
        assert!(!ranges.is_whole());
    }

    #[test]
    fn the_parts_of_one_file_are_bounded() {
        let ranges = Ranges::new(1000);
        let claims: Vec<Claim> = (0..PARTS_MAX as u64)
            .map(|at| ranges.claim(at, at + 1).unwrap())
            .collect();
        assert_eq!(refused(ranges.claim(900, 901)), "busy");
        drop(claims);
        ranges.claim(900, 901).unwrap();
    }
}
