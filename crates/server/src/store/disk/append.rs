//! APPE: behind what is there, under a lock, taken back when it fails. Design D10.
//!
//! Whoever reads the file meanwhile sees it grow; what he saw may be taken back.

use std::fs::File;

use super::super::StoreError;
use super::errors::store_error;
use super::place::{self, OPEN_TRIES_MAX, Place};
use super::sidecar::{self, Record};
use super::upload::Work;
use super::writer::Writer;
use super::{Durability, system};

/// An append, which holds the file's lock. Dropping it without committing takes it back.
#[derive(Debug)]
pub(super) struct Append {
    place: Place,
    writer: Writer,
    record: Record,
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
            writer: Writer::new(file, length),
            record,
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
        // Replaced or deleted by others: the record there would be that of another append.
        if !self.is_still_there()? {
            return Err(StoreError::NotFound);
        }
        sidecar::write(&self.place, &self.record, self.durability)?;
        self.state = State::Noted;
        Ok(())
    }

    fn is_still_there(&self) -> Result<bool, StoreError> {
        place::is_still(&self.place.dir, &self.place.name, self.writer.file())
    }

    fn undo(&self) -> Result<(), StoreError> {
        sidecar::undo(
            &self.place,
            self.writer.file(),
            &self.record,
            self.durability,
        )
    }
}

impl Work for Append {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        if self.state == State::Quiet {
            self.note()?;
        }
        self.writer.write(bytes)
    }

    fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        if self.state == State::Noted {
            // Replaced or deleted meanwhile: then the bytes are nowhere to be found.
            if !self.is_still_there()? {
                return Err(StoreError::NotFound);
            }
            self.writer.finish(self.durability)?;
            sidecar::remove(&self.place, &self.record, self.durability)?;
        }
        self.state = State::Done;
        Ok(())
    }

    /// Dropping alone puts the old file back.
    fn discard(self: Box<Self>) {}
}

impl Drop for Append {
    fn drop(&mut self) {
        match self.state {
            State::Done => {}
            // Only reached with a created file when its record could not be written.
            State::Quiet if self.record.is_created => drop(self.undo()),
            State::Quiet => {}
            // When it cannot be undone the record stays, for whoever opens the file next.
            State::Noted => {
                if self.undo().is_ok() {
                    let _ = sidecar::remove(&self.place, &self.record, self.durability);
                }
            }
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
        if !place::lock_patiently(&file, place::lock)? {
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
