//! Writing a file from an offset on, what lay behind it cut off with the first byte.

use std::fs::File;
use std::io;

use super::super::StoreError;
use super::errors::store_error;
use super::{Durability, system};

/// A file being written from an offset on.
#[derive(Debug)]
pub(super) struct Writer {
    file: File,
    at: u64,
    /// How long it is, where that is known and nobody else writes it.
    length: Option<u64>,
    state: State,
}

impl Writer {
    /// The old content stays until the first byte comes, or until the end (spec D-26).
    pub(super) fn new(file: File, at: u64) -> Self {
        Self {
            file,
            at,
            length: None,
            state: State::Untouched,
        }
    }

    /// The same from the beginning of a file of `length` octets that nobody else writes.
    pub(super) fn anew(file: File, length: u64) -> Self {
        Self {
            length: Some(length),
            ..Self::new(file, 0)
        }
    }

    /// Writes the next bytes. After a failure nothing more can be written or finished.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.cut()?;
        if let Err(error) = system::write_at(&self.file, bytes, self.at) {
            self.state = State::Failed;
            return Err(store_error(error));
        }
        self.at = self
            .at
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Ends the file here.
    pub(super) fn finish(&mut self, durability: Durability) -> Result<(), StoreError> {
        self.cut()?;
        match durability {
            Durability::Process => Ok(()),
            Durability::Power => self.file.sync_all().map_err(store_error),
        }
    }

    /// Whether a byte came, or the end.
    pub(super) fn is_touched(&self) -> bool {
        self.state != State::Untouched
    }

    /// The file's size now, in bytes; 0 when the system does not tell.
    pub(super) fn size(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    fn cut(&mut self) -> Result<(), StoreError> {
        match self.state {
            State::Cut => Ok(()),
            State::Failed => Err(StoreError::Io(io::Error::other("an earlier write failed"))),
            State::Untouched => {
                let length = match self.length {
                    Some(length) => length,
                    None => self.file.metadata().map_err(store_error)?.len(),
                };
                if length != self.at {
                    self.file.set_len(self.at).map_err(store_error)?;
                }
                self.state = State::Cut;
                Ok(())
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Untouched,
    Cut,
    Failed,
}
