//! Whole uploads: a hidden temporary beside the target, renamed over it at the end. Design D10.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Arc;
use std::time::SystemTime;

use cap_std::fs::Metadata;

use super::super::{Kept, StoreError, names};
use super::errors::store_error;
use super::place::{self, Place};
use super::reserved::{Reservation, Reserved};
use super::sidecar;
use super::temporary::{Temporary, Wider, temporary};
use super::upload::Work;
use super::writer::Writer;
use super::{Durability, system};

/// An upload into a temporary, which is locked as long as the upload runs.
///
/// Dropping it without committing keeps the temporary when a later upload can go on with it.
#[derive(Debug)]
pub(super) struct Whole {
    place: Place,
    temporary: String,
    /// Whether the temporary is the one a later upload to this name finds.
    is_named: bool,
    /// Whether the temporary held nothing but a copy of the target when it was begun.
    is_copy: bool,
    /// Whether it takes the place of a file that is there at the end.
    replaces: bool,
    /// What the target was when it was begun, if it has to be that still at the end.
    begun_from: Option<Version>,
    writer: Writer,
    /// The name of a STOU.
    reservation: Option<Reservation>,
    durability: Durability,
    /// Whether all of it is on the disk.
    is_settled: bool,
    is_done: bool,
}

impl Whole {
    /// STOR, where this was found just now: what a failed upload left is overwritten.
    pub(super) fn replace(
        place: Place,
        found: Option<Metadata>,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        let target = place::file_or_nothing(found)?;
        if target.is_some() {
            sidecar::keep_appends_away(&place, durability)?;
        }
        let named = temporary(
            &place,
            names::partial(&place.name),
            target.as_ref(),
            Wider::Removed,
        )?;
        let (writer, temporary, is_named) = match named {
            Some(Temporary { file, name, length }) => (Writer::anew(file, length), name, true),
            None => {
                let (file, temporary) = place::unnamed(&place.dir, target.as_ref())?;
                (Writer::anew(file, 0), temporary, false)
            }
        };
        Self::in_place_of(target, place, (temporary, is_named), writer, durability)
    }

    /// A file of `octets` that others write into, in several places at once: with holes until all
    /// have come, so that no later upload may find it and go on with it.
    pub(super) fn assembled(
        place: Place,
        found: Option<Metadata>,
        octets: u64,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        let target = place::file_or_nothing(found)?;
        let (file, temporary) = place::unnamed_as(names::PARTS, &place.dir, target.as_ref())?;
        let writer = Writer::new(file, octets);
        Self::in_place_of(target, place, (temporary, false), writer, durability)
    }

    fn in_place_of(
        target: Option<Metadata>,
        place: Place,
        (temporary, is_named): (String, bool),
        writer: Writer,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        let whole = Self {
            place,
            temporary,
            is_named,
            is_copy: false,
            replaces: true,
            begun_from: None,
            writer,
            reservation: None,
            durability,
            is_settled: false,
            is_done: false,
        };
        if let Some(target) = target {
            // Not to be read by more people than the file it replaces, yet by ourselves again.
            system::keep_mode(whole.writer.file(), &target, system::OWNER_READS_AND_WRITES)
                .map_err(store_error)?;
        }
        Ok(whole)
    }

    /// REST + STOR: goes on with what a failed upload left, else with a copy of the target.
    pub(super) fn resume(
        place: Place,
        offset: u64,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        let target = place.file_entry()?;
        sidecar::keep_appends_away(&place, durability)?;
        // A copy of the target in place of a partial that is being written would be a mix of
        // two files: the client has to come again.
        let named = temporary(
            &place,
            names::partial(&place.name),
            target.as_ref(),
            Wider::Copied,
        )?;
        let Some(Temporary { file, name, .. }) = named else {
            return Err(StoreError::Busy);
        };
        let writer = Writer::new(file, offset);
        let mut whole = Self::in_place_of(target, place, (name, true), writer, durability)?;
        if whole.writer.size() < offset {
            let copied = copy_target(&whole.place, whole.writer.file(), offset);
            whole.unless_no_space(copied)?;
            whole.is_copy = true;
        }
        Ok(whole)
    }

    /// RANG + STOR: begins with a copy of the target, and never with what a failed upload left,
    /// which may be of another file. Nor is anything left of it.
    pub(super) fn range(
        place: Place,
        (offset, end): (u64, u64),
        durability: Durability,
    ) -> Result<Self, StoreError> {
        let held = sidecar::keep_appends_away(&place, durability)?;
        let target = match &held {
            Some(file) => Some(Metadata::from_file(file).map_err(store_error)?),
            None if place.file_entry()?.is_none() => None,
            None => return Err(StoreError::NotPermitted),
        };
        let length = target.as_ref().map_or(0, Metadata::len);
        if length < offset {
            return Err(StoreError::BadOffset);
        }
        if length > end {
            return Err(StoreError::NotSupported);
        }
        let begun_from = target.as_ref().map(Version::of).transpose()?;
        let replaces = target.is_some();
        let (file, temporary) = place::unnamed(&place.dir, target.as_ref())?;
        let writer = Writer::new(file, offset);
        let mut whole = Self::in_place_of(target, place, (temporary, false), writer, durability)?;
        (whole.begun_from, whole.replaces) = (begun_from, replaces);
        if let Some(target) = held {
            copy(target, whole.writer.file(), offset)?;
        }
        Ok(whole)
    }

    /// APPE to a file that is not there: nothing is seen of it before it is whole, and one at a
    /// time makes it.
    pub(super) fn created(place: Place, durability: Durability) -> Result<Self, StoreError> {
        let temporary = temporary(&place, names::created(&place.name), None, Wider::Removed)?;
        let Some(Temporary { file, name, length }) = temporary else {
            return Err(StoreError::Busy);
        };
        Ok(Self {
            place,
            temporary: name,
            is_named: false,
            is_copy: false,
            replaces: false,
            begun_from: None,
            writer: Writer::anew(file, length),
            reservation: None,
            durability,
            is_settled: false,
            is_done: false,
        })
    }

    /// STOU: the name is settled now, and never taken by another STOU meanwhile.
    pub(super) fn unique(
        place: Place,
        reserved: &Arc<Reserved>,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        let metadata = place.dir.dir_metadata().map_err(store_error)?;
        let directory = system::identity(&metadata);
        for name in names::candidates(&place.name) {
            let Some(reservation) = Reserved::reserve(reserved, directory, &name) else {
                continue;
            };
            let is_taken = place::entry(&place.dir, &name)?.is_some()
                || place::entry(&place.dir, &names::partial(&name))?.is_some();
            if !is_taken {
                let mut whole = Self::replace(
                    Place {
                        dir: place.dir,
                        name,
                    },
                    None,
                    durability,
                )?;
                whole.reservation = Some(reservation);
                whole.replaces = false;
                return Ok(whole);
            }
        }
        Err(StoreError::Exists)
    }

    /// What is written into.
    pub(super) fn file(&self) -> &File {
        self.writer.file()
    }

    /// The name it will appear under.
    pub(super) fn name(&self) -> &str {
        &self.place.name
    }

    /// What found no room is not kept for later: it would keep the room from everybody else.
    fn unless_no_space(&mut self, done: Result<(), StoreError>) -> Result<(), StoreError> {
        if matches!(done, Err(StoreError::NoSpace)) {
            self.is_named = false;
        }
        done
    }

    /// What could not be brought to the disk is not kept for later: the system tells of it once,
    /// and the next time says that all is there.
    fn finish(&mut self) -> Result<(), StoreError> {
        let finished = self.writer.finish(self.durability);
        self.is_named &= finished.is_ok();
        finished
    }

    fn is_worth_keeping(&self) -> bool {
        let size = self.writer.size();
        self.is_named && size > 0 && (self.writer.is_touched() || !self.is_copy)
    }
}

impl Work for Whole {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let written = self.writer.write(bytes);
        self.unless_no_space(written)
    }

    fn settles(&self) -> bool {
        self.durability == Durability::Power
    }

    fn settle(&mut self) -> Result<(), StoreError> {
        self.finish()?;
        self.is_settled = true;
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        let is_slow = self.settles();
        if is_slow && !self.is_settled {
            self.finish()?;
        }
        // Renamed, it is a target: shared, so that it is not taken for one appended to.
        if !place::lock_shared(self.writer.file())? {
            return Err(StoreError::Busy);
        }
        let target = self.place.file_entry()?;
        if let Some(target) = &target {
            system::keep_mode(self.writer.file(), target, 0).map_err(store_error)?;
        }
        if !is_slow || target.is_some() {
            self.finish()?;
        }
        // Replacing a file from under an append would lose what it has said it appended.
        let _kept_away = if self.replaces && target.is_some() {
            sidecar::keep_appends_away(&self.place, self.durability)?
        } else {
            None
        };
        if self.begun_from.is_some() {
            let target = self.place.file_entry()?;
            if target.as_ref().map(Version::of).transpose()? != self.begun_from {
                return Err(target.map_or(StoreError::NotFound, |_| StoreError::Exists));
            }
        }
        let Place { dir, name } = &self.place;
        if self.replaces {
            dir.rename(&self.temporary, dir, name)
        } else {
            system::rename_new(dir, &self.temporary, dir, name)
        }
        .map_err(store_error)?;
        self.is_done = true;
        self.place.sync(self.durability)
    }

    fn discard(mut self: Box<Self>) {
        self.is_named = false;
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if self.is_done || self.is_worth_keeping() {
            return;
        }
        let Place { dir, .. } = &self.place;
        if place::is_still(dir, &self.temporary, self.writer.file()).unwrap_or(false) {
            // What cannot be removed now is removed by the sweep.
            let _ = dir.remove_file(&self.temporary);
        }
    }
}

/// How many bytes of a failed upload to this place are kept.
pub(super) fn partial_kept(place: &Place) -> Result<Option<Kept>, StoreError> {
    let found = place::entry(&place.dir, &names::partial(&place.name))?;
    let Some(found) = found.filter(Metadata::is_file) else {
        return Ok(None);
    };
    let modified = found.modified().map_err(store_error)?.into_std();
    let bytes = found.len();
    Ok(Some(Kept { bytes, modified }))
}

/// A file and what was in it, as far as one can tell without reading it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Version {
    identity: (u64, u64),
    length: u64,
    modified: SystemTime,
}

impl Version {
    fn of(metadata: &Metadata) -> Result<Self, StoreError> {
        Ok(Self {
            identity: system::identity(metadata),
            length: metadata.len(),
            modified: metadata.modified().map_err(store_error)?.into_std(),
        })
    }
}

/// Fills the empty or too short `temporary` with the first `offset` bytes of the target.
fn copy_target(place: &Place, temporary: &File, offset: u64) -> Result<(), StoreError> {
    let target = match place::open(&place.dir, &place.name, &system::reading_no_link()) {
        Err(StoreError::NotFound) => return Err(StoreError::BadOffset),
        target => target?,
    };
    if target.metadata().map_err(store_error)?.len() < offset {
        return Err(StoreError::BadOffset);
    }
    temporary.set_len(0).map_err(store_error)?;
    copy(target, temporary, offset)
}

/// Copies the first `offset` bytes.
fn copy(target: File, mut temporary: &File, offset: u64) -> Result<(), StoreError> {
    let copied = io::copy(&mut target.take(offset), &mut temporary).map_err(store_error)?;
    if copied == offset {
        Ok(())
    } else {
        Err(StoreError::BadOffset)
    }
}
