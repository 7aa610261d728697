//! The person's wish to stop: heard wherever something is waited for.

use tokio_util::sync::CancellationToken;

/// Stops everything that runs in an [`Environment`](crate::Environment), in good order: running
/// transfers are aborted at both servers. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(CancellationToken);

impl Interrupt {
    /// Stops; it cannot be taken back.
    pub fn trip(&self) {
        self.0.cancel();
    }

    /// One that is tripped with this one, but not the other way round.
    pub(crate) fn child(&self) -> Self {
        Self(self.0.child_token())
    }

    /// Whether it was tripped.
    #[must_use]
    pub fn is_tripped(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it is tripped.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn tripped(&self) {
        self.0.cancelled().await;
    }
}
