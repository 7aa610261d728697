//! Jobs that block: on threads made for them, or at once on a thread that may block.

use std::io;

use tokio::task::spawn_blocking;

use super::super::StoreError;
use crate::busy::may_block;

/// Does what blocks for a moment: at once where this thread may block, else as [`blocking`].
pub(super) async fn brief<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    if may_block() {
        return work();
    }
    blocking(work).await
}

/// Does what blocks on a thread made for it; goes on to its end when the future is dropped.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(StoreError::Io(io::Error::other(error))),
    }
}

/// How many octets are read or written at once on a thread that does other things too.
pub(super) const BRIEF_BYTES: usize = 64 * 1024;
