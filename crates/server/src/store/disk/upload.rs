//! Uploads off the runtime's workers: one job at a time, in order, each wholly or not at all.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;
use tokio::runtime::Handle;

use super::super::{Fetch, StoreError, Upload};
use super::jobs::{BRIEF_BYTES, blocking, brief};

/// The part of an upload that blocks. Dropping it is abandoning it.
pub(super) trait Work: Send {
    /// Writes the next bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError>;

    /// Whether [`settle`](Self::settle) has anything to do.
    fn settles(&self) -> bool {
        false
    }

    /// Does what takes long of [`commit`](Self::commit), as long as the upload can be dropped.
    fn settle(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Makes the upload appear.
    fn commit(self: Box<Self>) -> Result<(), StoreError>;

    /// Drops it, and what dropping alone would keep.
    fn discard(self: Box<Self>);
}

/// An upload to a disk.
pub(super) struct DiskUpload {
    path: VirtualPath,
    /// Empty when it is committed or abandoned. Every job runs under the lock, so that one
    /// whose future was dropped is over before the next begins.
    work: Arc<Slot>,
}

impl DiskUpload {
    pub(super) fn new(path: VirtualPath, work: Box<dyn Work>) -> Self {
        Self {
            path,
            work: Arc::new(Mutex::new(Some(work))),
        }
    }
}

impl Upload for DiskUpload {
    fn path(&self) -> &VirtualPath {
        &self.path
    }

    fn write(&mut self, mut bytes: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>> {
        let work = Arc::clone(&self.work);
        let is_brief = bytes.len() <= BRIEF_BYTES;
        let write = move || {
            let mut work = work.lock().unwrap_or_else(PoisonError::into_inner);
            work.as_mut().ok_or_else(ended)?.write(&bytes)?;
            bytes.clear();
            Ok(bytes)
        };
        if is_brief {
            Box::pin(brief(write))
        } else {
            Box::pin(blocking(write))
        }
    }

    fn has_thread(&self) -> bool {
        true
    }

    fn write_from(&mut self, fetch: Fetch) -> BoxFuture<'_, Result<(), StoreError>> {
        let work = Arc::clone(&self.work);
        Box::pin(blocking(move || {
            let mut work = work.lock().unwrap_or_else(PoisonError::into_inner);
            let work = work.as_mut().ok_or_else(ended)?;
            fetch(&mut |bytes| work.write(bytes))
        }))
    }

    fn settle(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
        let settles =
            |work: &Option<Box<dyn Work>>| work.as_ref().is_some_and(|work| work.settles());
        // A write that is still going on is waited for by the commit too.
        if self.work.try_lock().is_ok_and(|work| !settles(&work)) {
            return Box::pin(async { Ok(()) });
        }
        let work = Arc::clone(&self.work);
        Box::pin(blocking(move || {
            let mut work = work.lock().unwrap_or_else(PoisonError::into_inner);
            work.as_mut().ok_or_else(ended)?.settle()
        }))
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move {
            let work = Arc::clone(&self.work);
            brief(move || {
                let mut work = work.lock().unwrap_or_else(PoisonError::into_inner);
                work.take().ok_or_else(ended)?.commit()
            })
            .await
        })
    }

    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(give_up(self, abandon))
    }

    fn discard(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(give_up(self, discard))
    }
}

/// Runs one of the two ways to give up, where it may block.
async fn give_up(upload: Box<DiskUpload>, how: fn(&Slot)) {
    let work = Arc::clone(&upload.work);
    let done = brief(move || {
        how(&work);
        Ok(())
    });
    // Only the runtime's end keeps it from running, and then the drop does it.
    let _ = done.await;
}

impl Drop for DiskUpload {
    fn drop(&mut self) {
        if self.work.try_lock().is_ok_and(|work| work.is_none()) {
            return;
        }
        let work = Arc::clone(&self.work);
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || abandon(&work))),
            Err(_) => abandon(&work),
        }
    }
}

type Slot = Mutex<Option<Box<dyn Work>>>;

fn abandon(work: &Slot) {
    drop(work.lock().unwrap_or_else(PoisonError::into_inner).take());
}

fn discard(work: &Slot) {
    let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(work) = work {
        work.discard();
    }
}

fn ended() -> StoreError {
    StoreError::Io(io::Error::other("the upload is over"))
}
