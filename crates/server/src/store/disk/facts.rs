//! Facts about files that users may set: times and permission bits.

use std::time::SystemTime;

use thirdhost_proto::server::VirtualPath;

use super::super::StoreError;
use super::errors::store_error;
use super::place::Place;
use super::{DiskStore, system};

impl DiskStore {
    pub(super) fn set_modified_blocking(
        &self,
        path: &VirtualPath,
        modified: SystemTime,
    ) -> Result<(), StoreError> {
        let place = self.changeable(path)?;
        system::set_modified(&place.dir, &place.name, modified).map_err(store_error)
    }

    pub(super) fn set_mode_blocking(
        &self,
        path: &VirtualPath,
        mode: u32,
    ) -> Result<(), StoreError> {
        let place = self.changeable(path)?;
        system::set_mode(&place.dir, &place.name, mode).map_err(store_error)
    }

    /// The place of a file or directory below the root; links are followed to it, and devices
    /// and pipes are let alone.
    fn changeable(&self, path: &VirtualPath) -> Result<Place, StoreError> {
        if path.file_name().is_none() {
            return Err(StoreError::NotPermitted);
        }
        let (place, found) = self.settled(path)?;
        match found {
            None => Err(StoreError::NotFound),
            Some(found) if found.is_file() || found.is_dir() => Ok(place),
            Some(_) => Err(StoreError::NotFile),
        }
    }
}
