//! Files of a simulated disk while they are read and written.

use std::fs::File;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;
use thirdhost_server::store::{MemoryStore, Source, StoreError, Upload};

use super::{Mounted, error};
use crate::sabotage::Sabotage;

/// A file being read.
pub(super) struct SimSource {
    pub(super) mounted: Mounted,
    pub(super) inner: Box<dyn Source>,
}

impl Source for SimSource {
    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn file(&self) -> Option<Arc<File>> {
        None
    }

    fn read<'a>(
        &'a mut self,
        buffer: &'a mut Vec<u8>,
        most: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        async move {
            self.mounted.step("read").await?;
            // Small reads give the schedule more places to strike.
            self.inner.read(buffer, most.min(READ_BYTES_MAX)).await
        }
        .boxed()
    }
}

/// A file being written.
pub(super) struct SimUpload {
    pub(super) mounted: Mounted,
    pub(super) files: MemoryStore,
    pub(super) path: VirtualPath,
    /// `None` when it is over.
    pub(super) inner: Option<Box<dyn Upload>>,
    pub(super) written: usize,
}

impl Upload for SimUpload {
    fn path(&self) -> &VirtualPath {
        &self.path
    }

    fn write(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>> {
        async move {
            self.mounted.step("write").await?;
            self.written += bytes.len();
            match &mut self.inner {
                Some(inner) => inner.write(bytes).await,
                None => Err(StoreError::NotSupported),
            }
        }
        .boxed()
    }

    fn commit(mut self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        async move {
            let fault = self.mounted.step("commit").await?;
            let Some(inner) = self.inner.take() else {
                return Err(StoreError::NotSupported);
            };
            let disk = Arc::clone(&self.mounted.disk.shared);
            if disk.sabotage == Some(Sabotage::LosesCommits) {
                inner.discard().await;
                return Ok(());
            }
            inner.commit().await?;
            let (name, path) = (disk.name, self.path.as_str());
            disk.trace.note(format_args!(
                "disk of {name}: commit {path} {}",
                self.written
            ));
            disk.judge.appeared(name, path, &self.files).await;
            match fault {
                None => Ok(()),
                Some(fault) => Err(error(fault)),
            }
        }
        .boxed()
    }

    fn abandon(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        async move {
            if let Some(inner) = self.inner.take() {
                let disk = Arc::clone(&self.mounted.disk.shared);
                self.mounted.disk.lock().was_abandoned = true;
                match disk.sabotage {
                    Some(Sabotage::ShowsPartials) => {
                        drop(inner.commit().await);
                        let path = self.path.as_str();
                        disk.judge.appeared(disk.name, path, &self.files).await;
                    }
                    Some(Sabotage::HangsOnAbandon) => {
                        std::future::pending::<()>().await;
                    }
                    _ => inner.abandon().await,
                }
            }
        }
        .boxed()
    }

    fn discard(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        async move {
            if let Some(inner) = self.inner.take() {
                inner.discard().await;
            }
        }
        .boxed()
    }
}

impl Drop for SimUpload {
    fn drop(&mut self) {
        self.mounted.disk.upload_ends(self.path.as_str());
        let Some(inner) = self.inner.take() else {
            return;
        };
        let loses = !self.mounted.is_alive() && self.mounted.disk.lock().loses_partials;
        if loses {
            // Memory does it at once.
            let _done = inner.discard().now_or_never();
        }
    }
}

/// How much one read gives.
const READ_BYTES_MAX: usize = 16 * 1024;
