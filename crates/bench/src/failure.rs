//! What went wrong, in words for whoever runs the benchmark.

use std::fmt::Display;

/// A measurement that could not be made, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failure(String);

impl Failure {
    /// A failure in these words.
    pub(crate) fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

/// What may fail here.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Adds what was being done to an error.
pub(crate) trait While<T> {
    /// The error, behind what was being done.
    fn during(self, step: impl Display) -> Result<T>;
}

impl<T, E: Display> While<T> for std::result::Result<T, E> {
    fn during(self, step: impl Display) -> Result<T> {
        self.map_err(|error| Failure(format!("{step}: {error}")))
    }
}
