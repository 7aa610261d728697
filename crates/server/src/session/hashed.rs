//! Uploads that are hashed as they come, for the log. Key `log.hash`.

use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;
use thirdhost_wire::HashAlgorithm;

use crate::digest::Hasher;
use crate::store::{StoreError, Upload};

/// An upload of a whole file, whose hash is known once it is committed.
pub(super) struct Hashed {
    upload: Box<dyn Upload>,
    hasher: Hasher,
    told: Arc<OnceLock<String>>,
}

impl Hashed {
    /// `told` is set when the file is in place.
    pub(super) fn new(
        upload: Box<dyn Upload>,
        algorithm: HashAlgorithm,
        told: Arc<OnceLock<String>>,
    ) -> Self {
        Self {
            upload,
            hasher: Hasher::new(algorithm),
            told,
        }
    }
}

impl Upload for Hashed {
    fn path(&self) -> &VirtualPath {
        self.upload.path()
    }

    fn write(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>> {
        self.hasher.update(&bytes);
        self.upload.write(bytes)
    }

    fn settle(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.upload.settle()
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        let Self {
            upload,
            hasher,
            told,
        } = *self;
        Box::pin(async move {
            upload.commit().await?;
            told.get_or_init(|| hasher.finish());
            Ok(())
        })
    }

    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.upload.abandon()
    }

    fn discard(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.upload.discard()
    }
}
