//! Systems other than Linux: reading a directory as the standard library does.

use std::io;
use std::sync::{Mutex, PoisonError};

use cap_std::fs::{Dir, DirEntry, ReadDir};

use super::super::super::{Entry, LISTING_BATCH_MAX};
use super::super::listing;

/// A directory that is read a piece at a time, by several threads at once if need be.
#[derive(Debug)]
pub(in super::super) struct DirectoryReader {
    names: Mutex<ReadDir>,
}

/// A name that was found, whose facts are not known yet.
#[derive(Debug)]
pub(in super::super) struct Found<'a> {
    entry: &'a DirEntry,
    name: String,
}

impl DirectoryReader {
    /// Opens the directory `path` beneath `root`.
    pub(in super::super) fn open(root: &Dir, path: &str) -> io::Result<Self> {
        let names = Mutex::new(root.read_dir(path)?);
        Ok(Self { names })
    }

    /// Gives `each` the next names, a bounded number of them; false at the end. Names that are
    /// not UTF-8 are left out: no command could name them.
    pub(in super::super) fn read(
        &self,
        _room: &mut Vec<u8>,
        mut each: impl FnMut(&Found<'_>),
    ) -> io::Result<bool> {
        let mut found = Vec::new();
        {
            let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            for next in names.by_ref().take(LISTING_BATCH_MAX) {
                found.push(next?);
            }
        }
        for entry in &found {
            if let Ok(name) = entry.file_name().into_string() {
                each(&Found { entry, name });
            }
        }
        Ok(found.len() == LISTING_BATCH_MAX)
    }
}

impl Found<'_> {
    /// The name.
    pub(in super::super) fn name(&self) -> &str {
        &self.name
    }

    /// Puts the facts into `entry`, those of a link where it is one; tells whether it is. `None`
    /// for what is gone by now.
    pub(in super::super) fn look(&self, entry: &mut Entry) -> Option<bool> {
        let metadata = self.entry.metadata().ok()?;
        *entry = listing::entry(self.name.clone(), &metadata);
        Some(metadata.is_symlink())
    }
}
