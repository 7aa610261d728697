//! A fuzzer's octets read as numbers, choices and pieces; used up, it says 0 and nothing for ever.

use arbitrary::Unstructured;

/// What is left of an input.
#[derive(Debug)]
pub(crate) struct Input<'a>(Unstructured<'a>);

impl<'a> Input<'a> {
    pub(crate) fn new(octets: &'a [u8]) -> Self {
        Self(Unstructured::new(octets))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn octet(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or(0)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0.arbitrary().unwrap_or(0)
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.octet() & 1 == 1
    }

    /// A number below `bound`, and 0 where there is none.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.octet()) % bound.max(1)
    }

    /// One of `choices`.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        let at = self.below(choices.len());
        choices.get(at).copied()
    }

    /// At most 255 octets: how many, then they.
    pub(crate) fn piece(&mut self) -> &'a [u8] {
        let most = usize::from(self.octet());
        self.0.bytes(most.min(self.0.len())).unwrap_or_default()
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.0.take_rest()
    }
}
