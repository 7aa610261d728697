//! Uploads within the bounds of a user, file by file and part by part.

use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;

use super::super::{Assembly, Claim, Source, StoreError, Upload};
use super::Floor;
use super::usage::Quota;
use crate::limits::FREE_SPACE_INTERVAL;

/// A file of parts within bounds. How long it may be was looked at when it was begun; what comes
/// is counted as it comes, as that of any upload.
#[derive(Debug)]
pub(super) struct BoundedAssembly {
    pub(super) assembly: Box<dyn Assembly>,
    pub(super) quota: Option<Quota>,
    pub(super) floor: Option<Floor>,
}

impl Assembly for BoundedAssembly {
    fn part(&self, claim: Claim) -> Box<dyn Upload> {
        Box::new(BoundedUpload {
            upload: self.assembly.part(claim),
            quota: self.quota.clone(),
            left_of_file: None,
            floor: self.floor.clone(),
            // Others may have come since the file was begun: it is looked at with the first octet.
            unchecked: FREE_SPACE_INTERVAL,
            is_full: false,
        })
    }

    fn open(&self) -> BoxFuture<'_, Result<Box<dyn Source>, StoreError>> {
        self.assembly.open()
    }

    fn settle(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.assembly.settle()
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        self.assembly.commit()
    }

    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.assembly.abandon()
    }
}

/// An upload within bounds.
pub(super) struct BoundedUpload {
    pub(super) upload: Box<dyn Upload>,
    pub(super) quota: Option<Quota>,
    pub(super) left_of_file: Option<u64>,
    pub(super) floor: Option<Floor>,
    /// How many octets have come since the floor was looked at.
    pub(super) unchecked: u64,
    /// Whether a bound was hit: then there is no use in keeping what has arrived.
    pub(super) is_full: bool,
}

impl BoundedUpload {
    async fn write_bounded(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let octets = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if let Some(left) = &mut self.left_of_file {
            let Some(less) = left.checked_sub(octets) else {
                self.is_full = true;
                return Err(StoreError::TooLarge);
            };
            *left = less;
        }
        if let Some(floor) = &self.floor {
            self.unchecked = self.unchecked.saturating_add(octets);
            if self.unchecked >= FREE_SPACE_INTERVAL {
                self.unchecked = 0;
                if let Err(error) = floor.room(octets).await {
                    self.is_full = true;
                    return Err(error);
                }
            }
        }
        let Some(quota) = &self.quota else {
            return self.upload.write(bytes).await;
        };
        match quota.charge(octets).await {
            Ok(charge) => {
                let written = self.upload.write(bytes).await;
                drop(charge);
                written
            }
            Err(error) => {
                self.is_full = true;
                Err(error)
            }
        }
    }
}

impl Upload for BoundedUpload {
    fn path(&self) -> &VirtualPath {
        self.upload.path()
    }

    fn write(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>> {
        Box::pin(self.write_bounded(bytes))
    }

    fn settle(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.upload.settle()
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        self.upload.commit()
    }

    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
        if self.is_full {
            self.upload.discard()
        } else {
            self.upload.abandon()
        }
    }

    fn discard(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.upload.discard()
    }
}
