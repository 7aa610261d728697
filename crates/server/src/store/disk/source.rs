//! Reading a file, a chunk per job.

use std::fs::File;
use std::mem;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::super::{Source, StoreError};
use super::errors::store_error;
use super::jobs::{BRIEF_BYTES, blocking, brief};
use super::system;

/// An open regular file, read by position: the file's own cursor is never moved.
pub(super) struct DiskSource {
    file: Arc<File>,
    size: u64,
    at: u64,
}

impl DiskSource {
    /// Reads a file of `size` octets from `offset` on, which lies within it.
    pub(super) fn new(file: File, size: u64, offset: u64) -> Result<Self, StoreError> {
        if offset > size {
            return Err(StoreError::BadOffset);
        }
        Ok(Self {
            file: Arc::new(file),
            size,
            at: offset,
        })
    }
}

impl Source for DiskSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn file(&self) -> Option<Arc<File>> {
        Some(Arc::clone(&self.file))
    }

    fn read<'a>(
        &'a mut self,
        buffer: &'a mut Vec<u8>,
        most: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        Box::pin(async move {
            let (file, at) = (Arc::clone(&self.file), self.at);
            // An empty buffer travels to the job and back; one that holds something stays
            // here, so that nothing is lost when this future is dropped.
            let mut chunk = if buffer.is_empty() {
                mem::take(buffer)
            } else {
                Vec::new()
            };
            let read = move || {
                system::read_at(&file, &mut chunk, most, at).map_err(store_error)?;
                Ok(chunk)
            };
            let chunk = if most <= BRIEF_BYTES {
                brief(read).await?
            } else {
                blocking(read).await?
            };
            let read = chunk.len();
            if buffer.is_empty() {
                *buffer = chunk;
            } else {
                buffer.extend_from_slice(&chunk);
            }
            self.at = self
                .at
                .saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            Ok(read)
        })
    }
}
