//! Chance that a seed decides: the same numbers at every run.

use std::sync::{Arc, Mutex, PoisonError};

use thirdhost_sockets::Random;

/// SplitMix64. Clones draw from the same row of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Chance {
    state: Arc<Mutex<u64>>,
}

impl Chance {
    /// The row that belongs to `seed`.
    #[must_use]
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: Arc::new(Mutex::new(seed)),
        }
    }

    /// A row of its own, so that what is drawn there changes nothing here.
    #[must_use]
    pub(crate) fn fork(&self) -> Self {
        Self::new(self.next())
    }

    /// A number from 0 to `bound - 1`; 0 when `bound` is 0.
    pub(crate) fn below(&self, bound: u64) -> u64 {
        // 64 × 64 bits: no division, and no bias that a simulation could notice.
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A length or an index below `bound`.
    pub(crate) fn index(&self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }

    /// True once in `times`.
    pub(crate) fn once_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of `choices`; `None` where there is none.
    pub(crate) fn pick<'a, T>(&self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.index(choices.len()))
    }

    /// So many arbitrary bytes.
    pub(crate) fn bytes(&self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }

    fn next(&self) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Random for Chance {
    fn below(&self, bound: u32) -> u32 {
        u32::try_from(Self::below(self, u64::from(bound))).unwrap_or(0)
    }
}
