//! Parts of one file in memory: each gathered aside, put together when all have come.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{self, BoxFuture};
use thirdhost_proto::server::VirtualPath;

use super::super::{Assembly, Claim, Source, StoreError, Upload};
use super::MemorySource;
use super::tree::length;
use super::upload::MemoryUpload;

/// A file that comes in parts. Dropping it keeps nothing.
pub(super) struct MemoryAssembly {
    upload: Box<MemoryUpload>,
    path: VirtualPath,
    come: Arc<Mutex<Come>>,
}

/// The parts that have come, by their first octet.
type Come = BTreeMap<u64, Vec<u8>>;

impl MemoryAssembly {
    pub(super) fn new(upload: MemoryUpload) -> Self {
        Self {
            path: upload.path().clone(),
            upload: Box::new(upload),
            come: Arc::default(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let come = lock(&self.come);
        come.values().flatten().copied().collect()
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
            come: Arc::clone(&self.come),
            claim,
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
    claim: Claim,
    bytes: Vec<u8>,
}

impl Upload for Part {
    fn path(&self) -> &VirtualPath {
        &self.path
    }

    fn write(&mut self, mut bytes: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>> {
        Box::pin(async move {
            let octets = length(&bytes);
            self.claim.next(octets)?;
            self.claim.advance(octets);
            self.bytes.append(&mut bytes);
            Ok(bytes)
        })
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move {
            let Self {
                come, claim, bytes, ..
            } = *self;
            let first = claim.next(0)?.saturating_sub(length(&bytes));
            // There before it counts, so that whoever finds all parts finds their octets.
            let mut come = lock(&come);
            come.insert(first, bytes);
            claim.fulfil().inspect_err(|_| {
                come.remove(&first);
            })
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
