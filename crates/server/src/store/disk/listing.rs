//! Listing a directory, a bounded batch at a time. Spec S-56.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use cap_std::fs::{Dir, DirEntry, Metadata, ReadDir};
use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;
use tokio::task::{self, JoinHandle};

use super::super::{Entry, EntryKind, LISTING_BATCH_MAX, Listing, StoreError, names};
use super::errors::store_error;
use super::place::relative;
use super::system;

/// A directory being read. Names that are not UTF-8 are left out: no command could name them.
///
/// Asking for the facts of each entry is what takes the time, so that in a directory of more
/// than one batch, several are gathered at the same time, ahead of the reader.
///
/// When the future of a batch is dropped, that batch is lost.
pub(super) struct DiskListing {
    directory: Arc<Directory>,
    /// Batches that are being gathered, each in a thread for blocking work.
    ahead: VecDeque<JoinHandle<Result<Batch, StoreError>>>,
    /// Whether the first batch has come.
    begun: bool,
    /// Whether all names have been read.
    at_end: bool,
}

struct Directory {
    root: Arc<Dir>,
    path: String,
    names: Mutex<ReadDir>,
}

/// What became of as many names as make a batch: their entries, and whether they were the last.
struct Batch {
    entries: Vec<Entry>,
    last: bool,
}

impl DiskListing {
    pub(super) fn open(root: Arc<Dir>, path: &VirtualPath) -> Result<Self, StoreError> {
        let path = relative(path).to_owned();
        let names = root.read_dir(&path).map_err(store_error)?;
        let directory = Directory {
            root,
            path,
            names: Mutex::new(names),
        };
        Ok(Self {
            directory: Arc::new(directory),
            ahead: VecDeque::new(),
            begun: false,
            at_end: false,
        })
    }

    /// Has as many batches gathered as may be. A small directory ends with the first.
    fn look_ahead(&mut self) {
        let most = if self.begun { BATCHES_AHEAD } else { 1 };
        while !self.at_end && self.ahead.len() < most {
            let directory = Arc::clone(&self.directory);
            let gathering = task::spawn_blocking(move || directory.gather());
            self.ahead.push_back(gathering);
        }
    }
}

impl Listing for DiskListing {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        Box::pin(async {
            loop {
                self.look_ahead();
                let Some(next) = self.ahead.pop_front() else {
                    return Ok(Vec::new());
                };
                let batch = next
                    .await
                    .map_err(|error| StoreError::Io(io::Error::other(error)))??;
                self.begun = true;
                self.at_end |= batch.last;
                self.look_ahead();
                // All names of a batch may be hidden, and more may follow.
                if !batch.entries.is_empty() {
                    return Ok(batch.entries);
                }
            }
        })
    }
}

impl Directory {
    fn gather(&self) -> Result<Batch, StoreError> {
        let mut found = Vec::new();
        {
            let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            for next in names.by_ref().take(LISTING_BATCH_MAX) {
                found.push(next.map_err(store_error)?);
            }
        }
        let last = found.len() < LISTING_BATCH_MAX;
        let entries = found.iter();
        let entries = entries.filter_map(|found| listed(&self.root, &self.path, found));
        Ok(Batch {
            entries: entries.collect(),
            last,
        })
    }
}

/// The entry with its facts; `None` for what is not shown or is gone by now.
fn listed(root: &Dir, path: &str, found: &DirEntry) -> Option<Entry> {
    let name = found.file_name().into_string().ok()?;
    if names::is_hidden(&name) {
        return None;
    }
    let metadata = found.metadata().ok()?;
    if !metadata.is_symlink() {
        return Some(entry(name, &metadata));
    }
    // Followed from the root, not from here: a link may lead up and down again.
    match root.metadata(format!("{path}/{name}")) {
        Ok(target) => Some(entry(name, &target)),
        Err(_) => Some(entry(name, &metadata)),
    }
}

/// The facts about `name`; what is neither file nor directory is other.
pub(super) fn entry(name: String, metadata: &Metadata) -> Entry {
    let kind = match () {
        () if metadata.is_file() => EntryKind::File,
        () if metadata.is_dir() => EntryKind::Directory,
        () => EntryKind::Other,
    };
    let mut entry = Entry {
        name,
        kind,
        size: if kind == EntryKind::File {
            metadata.len()
        } else {
            0
        },
        modified: metadata
            .modified()
            .map_or(std::time::UNIX_EPOCH, |time| time.into_std()),
        unique: (0, 0),
        mode: 0,
        links: 1,
        owner: (0, 0),
        partial: None,
    };
    system::add_facts(&mut entry, metadata);
    entry
}

/// How many batches are gathered at the same time, one of them for the reader to wait for.
const BATCHES_AHEAD: usize = 3;
