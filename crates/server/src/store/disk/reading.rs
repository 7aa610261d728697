//! What is at a path, and opening it to read: links followed, what a crash left undone.

use cap_std::fs::Metadata;
use thirdhost_proto::server::VirtualPath;

use super::super::{Entry, Kept, Source, StoreError, names};
use super::errors::store_error;
use super::place::{self, Place};
use super::source::DiskSource;
use super::{DiskStore, listing, sidecar, system, whole};

impl DiskStore {
    /// The place to read at, and what is there: links followed, and what a crash left of an
    /// append undone.
    pub(super) fn settled(
        &self,
        path: &VirtualPath,
    ) -> Result<(Place, Option<Metadata>), StoreError> {
        names::check_readable(path)?;
        let place = Place::of(self, path)?;
        if !sidecar::is_beside(&place)? {
            let found = place.entry()?;
            if !found.as_ref().is_some_and(Metadata::is_symlink) {
                return Ok((place, found));
            }
        }
        let place = match Place::resolved(self, path) {
            // A link to one of the store's own files.
            Err(StoreError::NameNotAllowed) => return Err(StoreError::NotFound),
            place => place?,
        };
        sidecar::settle(&place, self.durability)?;
        let found = place.entry()?;
        Ok((place, found))
    }

    pub(super) fn look_blocking(&self, path: &VirtualPath) -> Result<Entry, StoreError> {
        self.found(path).map(|(_, entry)| entry)
    }

    pub(super) fn stat_blocking(&self, path: &VirtualPath) -> Result<Entry, StoreError> {
        let (place, mut entry) = self.found(path)?;
        if let Some(place) = place {
            entry.partial = whole::partial_kept(&place)?;
        }
        Ok(entry)
    }

    /// What is at `path`, and its place if it is not the root.
    fn found(&self, path: &VirtualPath) -> Result<(Option<Place>, Entry), StoreError> {
        let Some(name) = path.file_name() else {
            let metadata = self.root.dir_metadata().map_err(store_error)?;
            return Ok((None, listing::entry(String::new(), &metadata)));
        };
        let (place, found) = self.settled(path)?;
        let found = found.ok_or(StoreError::NotFound)?;
        Ok((Some(place), listing::entry(name.to_owned(), &found)))
    }

    pub(super) fn partial_blocking(&self, path: &VirtualPath) -> Result<Option<Kept>, StoreError> {
        names::check_readable(path)?;
        match Place::resolved(self, path) {
            Err(StoreError::NotFound | StoreError::NotFile) => Ok(None),
            place => whole::partial_kept(&place?),
        }
    }

    pub(super) fn open_blocking(
        &self,
        path: &VirtualPath,
        offset: u64,
    ) -> Result<Box<dyn Source>, StoreError> {
        names::check_readable(path)?;
        let open =
            |place: &Place| place::open_found(&place.dir, &place.name, &system::reading_no_link());
        let place = Place::of(self, path)?;
        let (file, found) = match open(&place) {
            // No link, as nearly all; looked at after it was opened, so that nothing of an
            // append that was cut short is read.
            Ok(opened) if !sidecar::is_beside(&place)? => opened,
            _ => open(&self.settled(path)?.0)?,
        };
        Ok(Box::new(DiskSource::new(file, found.len(), offset)?))
    }
}
