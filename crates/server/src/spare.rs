//! Descriptors held back, so that a caller can be told that there are none left (spec S-52).

use std::io::{self, PipeReader, PipeWriter, pipe};

/// A few descriptors that nobody uses, or room for them.
#[derive(Debug, Default)]
pub(crate) struct Spare(Vec<(PipeReader, PipeWriter)>);

impl Spare {
    /// Takes them, where the system has them.
    pub(crate) fn take() -> Self {
        let mut spare = Self::default();
        spare.refill();
        spare
    }

    /// Gives them back to the system; `false` when they were given back before.
    pub(crate) fn lend(&mut self) -> bool {
        let had_some = !self.is_lent();
        self.0.clear();
        had_some
    }

    /// Whether they are given back: what is accepted now has to be closed again.
    pub(crate) fn is_lent(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes them again, all or none.
    pub(crate) fn refill(&mut self) {
        if self.is_lent() {
            let pipes: io::Result<Vec<_>> = (0..SPARE_PIPES).map(|_| pipe()).collect();
            self.0 = pipes.unwrap_or_default();
        }
    }
}

/// Pipes, of two descriptors each, because they need neither a file nor a port. More callers at
/// a time than that wait in the backlog until others have read why they are refused.
const SPARE_PIPES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_lent_once_and_taken_again() {
        let mut spare = Spare::take();
        assert!(!spare.is_lent());
        assert!(spare.lend());
        assert!(spare.is_lent() && !spare.lend());
        spare.refill();
        assert!(!spare.is_lent());
    }
}
