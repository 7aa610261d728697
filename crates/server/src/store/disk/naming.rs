//! Names that go and names that change: removing directories, renaming.

use thirdhost_proto::server::VirtualPath;

use super::super::{StoreError, names};
use super::errors::store_error;
use super::place::Place;
use super::{DiskStore, sidecar, sweep, system};

impl DiskStore {
    pub(super) fn remove_directory_blocking(&self, path: &VirtualPath) -> Result<(), StoreError> {
        names::check_readable(path)?;
        let place = Place::below_root(self, path)?;
        let remove = || place.dir.remove_dir(&place.name).map_err(store_error);
        match remove() {
            // To the user it is empty when nothing but the store's own files are in it.
            Err(StoreError::NotEmpty) => {
                let dir = place.dir.open_dir(&place.name).map_err(store_error)?;
                if sweep::clear(&dir, self.durability)? {
                    remove()
                } else {
                    Err(StoreError::NotEmpty)
                }
            }
            removed => removed,
        }
    }

    pub(super) fn rename_blocking(
        &self,
        from: &VirtualPath,
        to: &VirtualPath,
        replace: bool,
    ) -> Result<(), StoreError> {
        names::check_readable(from)?;
        names::check_creatable(to)?;
        let (from_place, to_place) = (Place::below_root(self, from)?, Place::below_root(self, to)?);
        let _kept_away = (
            sidecar::keep_appends_away(&from_place, self.durability)?,
            sidecar::keep_appends_away(&to_place, self.durability)?,
        );
        let (from_dir, to_dir) = (&from_place.dir, &to_place.dir);
        let renamed = if replace {
            from_dir.rename(&from_place.name, to_dir, &to_place.name)
        } else {
            system::rename_new(from_dir, &from_place.name, to_dir, &to_place.name)
        };
        renamed.map_err(store_error)
    }
}
