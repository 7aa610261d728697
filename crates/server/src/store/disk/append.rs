//! APPE: behind what is there, under a lock, taken back when it fails. Design D10.
//!
//! Whoever reads the file meanwhile sees it grow; what he saw may be taken back.

use std::fs::File;
use std::io;
use std::thread;

use super::super::StoreError;
use super::errors::store_error;
use super::place::{self, OPEN_TRIES_MAX, Place};
use super::sidecar::{self, Record};
use super::upload::Work;
use super::{Durability, system};

/// An append, which holds the file's lock. Dropping it without committing takes it back.
#[derive(Debug)]
pub(super) struct Append {
    place: Place,
    file: File,
    record: Record,
    at: u64,
    durability: Durability,
    state: State,
}

impl Append {
    /// Opens or creates the file.
    pub(super) fn begin(place: Place, durability: Durability) -> Result<Self, StoreError> {
        place.file_entry()?;
        let (file, is_created) = locked_target(&place, durability)?;
        let length = file.metadata().map_err(store_error)?.len();
        let identity = system::identity_of(&file).map_err(store_error)?;
        let record = Record {
            length,
            identity,
            is_created,
        };
        let mut append = Self {
            place,
            file,
            record,
            at: length,
            durability,
            state: State::Quiet,
        };
        if is_created {
            append.note()?;
        }
        Ok(append)
    }

    /// Writes the record, so that from now on a crash is undone.
    fn note(&mut self) -> Result<(), StoreError> {
        sidecar::write(&self.place, &self.record, self.durability)?;
        self.state = State::Noted;
        Ok(())
    }
}

impl Work for Append {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        match self.state {
            State::Quiet => self.note()?,
            State::Noted => {}
            State::Failed | State::Done => return Err(failed()),
        }
        if let Err(error) = system::write_at(&self.file, bytes, self.at) {
            self.state = State::Failed;
            return Err(store_error(error));
        }
        self.at = self
            .at
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        let Place { dir, name } = &self.place;
        match self.state {
            State::Failed => return Err(failed()),
            State::Quiet | State::Done => {}
            State::Noted => {
                // Replaced or deleted meanwhile: then the bytes are nowhere to be found.
                if !place::is_still(dir, name, &self.file)? {
                    return Err(StoreError::NotFound);
                }
                if self.durability == Durability::Power {
                    self.file.sync_all().map_err(store_error)?;
                }
                sidecar::remove(&self.place, self.durability)?;
            }
        }
        self.state = State::Done;
        Ok(())
    }

    /// Dropping alone puts the old file back.
    fn discard(self: Box<Self>) {}
}

impl Drop for Append {
    fn drop(&mut self) {
        if matches!(self.state, State::Quiet | State::Done) {
            // Only reached with a created file when its record could not be written.
            if self.state == State::Quiet && self.record.is_created {
                let _ = sidecar::undo(&self.place, &self.file, &self.record, self.durability);
            }
            return;
        }
        // When it cannot be undone the record stays, for whoever opens the file next.
        if sidecar::undo(&self.place, &self.file, &self.record, self.durability).is_ok() {
            let _ = sidecar::remove(&self.place, self.durability);
        }
    }
}

/// How far the append has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Nothing is written, and nothing recorded.
    Quiet,
    /// The record is written.
    Noted,
    /// A write failed.
    Failed,
    /// It is committed.
    Done,
}

/// The file under its lock, any earlier append undone; the second value says whether it is new.
pub(super) fn locked_target(
    place: &Place,
    durability: Durability,
) -> Result<(File, bool), StoreError> {
    for _ in 0..OPEN_TRIES_MAX {
        let (file, is_created) = match place.open_or_create() {
            // Gone between the two ways of opening it.
            Err(StoreError::NotFound) => continue,
            opened => opened?,
        };
        if !lock_patiently(&file)? {
            return Err(StoreError::Busy);
        }
        if !place::is_still(&place.dir, &place.name, &file)? {
            continue;
        }
        sidecar::settle_locked(place, &file, durability)?;
        if place::is_still(&place.dir, &place.name, &file)? {
            return Ok((file, is_created));
        }
    }
    Err(StoreError::Busy)
}

/// Whoever opens the file holds the lock for a moment when he undoes an append.
fn lock_patiently(file: &File) -> Result<bool, StoreError> {
    for _ in 1..OPEN_TRIES_MAX {
        if place::lock(file)? {
            return Ok(true);
        }
        thread::yield_now();
    }
    place::lock(file)
}

fn failed() -> StoreError {
    StoreError::Io(io::Error::other("an earlier write failed"))
}
