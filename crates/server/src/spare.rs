//! Descriptors held back, so that a caller can be told that there are none left (spec S-52).

use std::io::{self, PipeReader, PipeWriter, pipe};

use crate::limits::SPARE_DESCRIPTORS;

/// A few descriptors that nobody uses, or room for them: pipes, of two each, because they need
/// neither a file nor a port.
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
            let pipes: io::Result<Vec<_>> = (0..SPARE_DESCRIPTORS / 2).map(|_| pipe()).collect();
            self.0 = pipes.unwrap_or_default();
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    //= security#S-52
    //= type=test
    #[test]
    fn sixteen_descriptors_are_held_back() {
        let spare = Spare::take();
        let held: Vec<_> = spare
            .0
            .iter()
            .flat_map(|(r, w)| [r.as_fd(), w.as_fd()])
            .collect();
        assert_eq!(held.len(), 16);
    }

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
