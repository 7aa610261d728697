//! Parts of one file in memory: each gathered aside, put together when all have come.

use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{self, BoxFuture};
use thirdhost_proto::server::VirtualPath;

use super::super::{Assembly, Claim, Source, StoreError, Upload};
use super::MemorySource;
use super::tree::length;
use super::upload::MemoryUpload;

/// A file that comes in parts. Dropping it keeps nothing.
pub(super) struct MemoryAssembly {
    /// Before the upload, which takes what was counted back.
    counted: Counted,
    upload: Box<MemoryUpload>,
    path: VirtualPath,
}

/// What has come, counted until this is dropped: a part may be over later than its file.
struct Counted(Arc<Mutex<Come>>);

/// What has come.
struct Come {
    /// The parts that are there, by their first octet.
    parts: BTreeMap<u64, Vec<u8>>,
    /// How many octets, those of parts under way among them.
    octets: u64,
    count: Option<Box<dyn Fn(u64) + Send + Sync>>,
}

impl MemoryAssembly {
    pub(super) fn new(upload: MemoryUpload) -> Self {
        Self {
            counted: Counted(Arc::new(Mutex::new(Come {
                parts: BTreeMap::new(),
                octets: 0,
                count: Some(Box::new(upload.counter())),
            }))),
            path: upload.path().clone(),
            upload: Box::new(upload),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let come = lock(&self.counted.0);
        come.parts.values().flatten().copied().collect()
    }
}

impl fmt::Debug for MemoryAssembly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryAssembly")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Assembly for MemoryAssembly {
    fn part(&self, claim: Claim) -> Box<dyn Upload> {
        Box::new(Part {
            path: self.path.clone(),
            come: Arc::clone(&self.counted.0),
            claim: Some(claim),
            bytes: Vec::new(),
        })
    }

    fn open(&self) -> BoxFuture<'_, Result<Box<dyn Source>, StoreError>> {
        let bytes = Arc::new(self.bytes());
        let source = MemorySource { bytes, at: 0 };
        Box::pin(future::ready(Ok(Box::new(source) as Box<dyn Source>)))
    }

    fn commit(mut self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        let bytes = self.bytes();
        self.upload.gather(bytes);
        self.upload.commit()
    }
}

/// One part under way.
struct Part {
    path: VirtualPath,
    come: Arc<Mutex<Come>>,
    /// Empty once it is there.
    claim: Option<Claim>,
    bytes: Vec<u8>,
}

impl Come {
    fn grow(&mut self, octets: u64) {
        self.octets = self.octets.saturating_add(octets);
        self.tell();
    }

    fn shrink(&mut self, octets: u64) {
        self.octets = self.octets.saturating_sub(octets);
        self.tell();
    }

    fn tell(&self) {
        if let Some(count) = &self.count {
            count(self.octets);
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        lock(&self.0).count = None;
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.claim.is_some() {
            lock(&self.come).shrink(length(&self.bytes));
        }
    }
}

impl Upload for Part {
    fn path(&self) -> &VirtualPath {
        &self.path
    }

    fn write(&mut self, mut bytes: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>> {
        Box::pin(async move {
            let claim = self.claim.as_mut().ok_or(StoreError::NotFound)?;
            let octets = length(&bytes);
            claim.next(octets)?;
            claim.advance(octets);
            lock(&self.come).grow(octets);
            self.bytes.append(&mut bytes);
            Ok(bytes)
        })
    }

    fn commit(mut self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move {
            let claim = self.claim.take().ok_or(StoreError::NotFound)?;
            let bytes = mem::take(&mut self.bytes);
            let mut come = lock(&self.come);
            let octets = length(&bytes);
            let first = claim.next(0).map(|at| at.saturating_sub(octets));
            // There before it counts, so that whoever finds all parts finds their octets.
            let done = first.and_then(|first| {
                come.parts.insert(first, bytes);
                claim.fulfil().inspect_err(|_| {
                    come.parts.remove(&first);
                })
            });
            done.inspect_err(|_| come.shrink(octets))
        })
    }

    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(future::ready(()))
    }

    fn discard(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(future::ready(()))
    }
}

fn lock(come: &Mutex<Come>) -> MutexGuard<'_, Come> {
    come.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use crate::store::conformance::path;
    use crate::store::{MemoryStore, Ranges, Store as _};

    /// Simulated world 8004757: the session that held the file ended first.
    #[tokio::test]
    async fn a_part_that_is_over_after_its_file_is_not_counted_any_more() {
        let store = MemoryStore::new();
        let ranges = Ranges::new(10);
        let assembly = store.assemble(&path("f"), 10).await.unwrap();
        let part = |first, end| assembly.part(ranges.claim(first, end).unwrap());
        let (mut there, mut late) = (part(0, 5), part(5, 10));
        there.write(b"hello".to_vec()).await.unwrap();
        there.commit().await.unwrap();
        late.write(b"wor".to_vec()).await.unwrap();
        assert_eq!(store.usage().await.unwrap(), 8);
        drop(assembly);
        assert_eq!(store.usage().await.unwrap(), 0);
        late.write(b"ld".to_vec()).await.ok();
        drop(late);
        assert_eq!(store.usage().await.unwrap(), 0);
    }
}
