//! Parts of one file, written at once into one hidden temporary, renamed when all have come.

use std::fs::File;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;

use super::super::{Assembly, Claim, Source, StoreError, Upload, names};
use super::errors::store_error;
use super::jobs::brief;
use super::place::Place;
use super::source::DiskSource;
use super::upload::{DiskUpload, Work};
use super::whole::Whole;
use super::{DiskStore, system};

impl DiskStore {
    pub(super) fn assemble_blocking(
        &self,
        path: &VirtualPath,
        octets: u64,
    ) -> Result<Box<dyn Assembly>, StoreError> {
        names::check_creatable(path)?;
        let (place, found) = Place::found(self, path)?;
        let whole = Whole::assembled(place, found, octets, self.durability)?;
        Ok(Box::new(DiskAssembly::new(path.clone(), whole)?))
    }
}

/// A temporary of its own, which no other upload to the same name finds: what is in it is no
/// beginning of the file, so that nobody can go on with it.
struct DiskAssembly {
    /// Renames it, or removes it.
    upload: Box<DiskUpload>,
    path: VirtualPath,
    file: Arc<File>,
}

impl DiskAssembly {
    fn new(path: VirtualPath, whole: Whole) -> Result<Self, StoreError> {
        let file = Arc::new(whole.file().try_clone().map_err(store_error)?);
        Ok(Self {
            upload: Box::new(DiskUpload::new(path.clone(), Box::new(whole))),
            path,
            file,
        })
    }
}

impl std::fmt::Debug for DiskAssembly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiskAssembly")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Assembly for DiskAssembly {
    fn part(&self, claim: Claim) -> Box<dyn Upload> {
        let file = Arc::clone(&self.file);
        let part = Part { file, claim };
        Box::new(DiskUpload::new(self.path.clone(), Box::new(part)))
    }

    fn open(&self) -> BoxFuture<'_, Result<Box<dyn Source>, StoreError>> {
        let file = Arc::clone(&self.file);
        Box::pin(brief(move || {
            let file = file.try_clone().map_err(store_error)?;
            let size = file.metadata().map_err(store_error)?.len();
            Ok(Box::new(DiskSource::new(file, size, 0)?) as Box<dyn Source>)
        }))
    }

    fn settle(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.upload.settle()
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        self.upload.commit()
    }

    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.upload.abandon()
    }
}

/// One part. It holds its claim until its last write is over, also when nobody waits for that.
struct Part {
    file: Arc<File>,
    claim: Claim,
}

impl Work for Part {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let octets = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let at = self.claim.next(octets)?;
        system::write_at(&self.file, bytes, at).map_err(store_error)?;
        self.claim.advance(octets);
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.claim.fulfil()
    }

    /// What has come is dropped with the file.
    fn discard(self: Box<Self>) {}
}
