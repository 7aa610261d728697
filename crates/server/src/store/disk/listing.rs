//! Listing a directory, a bounded batch at a time. Spec S-56.

use std::sync::{Arc, Mutex, PoisonError};

use cap_std::fs::{Dir, DirEntry, Metadata, ReadDir};
use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;

use super::super::{Entry, EntryKind, LISTING_BATCH_MAX, Listing, StoreError, names};
use super::errors::store_error;
use super::place::relative;
use super::{blocking, system};

/// A directory being read. Names that are not UTF-8 are left out: no command could name them.
///
/// When the future of a batch is dropped, that batch is lost.
pub(super) struct DiskListing {
    root: Arc<Dir>,
    path: String,
    entries: Arc<Mutex<ReadDir>>,
}

impl DiskListing {
    pub(super) fn open(root: Arc<Dir>, path: &VirtualPath) -> Result<Self, StoreError> {
        let path = relative(path).to_owned();
        let entries = root.read_dir(&path).map_err(store_error)?;
        Ok(Self {
            root,
            path,
            entries: Arc::new(Mutex::new(entries)),
        })
    }
}

impl Listing for DiskListing {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        let (root, path) = (Arc::clone(&self.root), self.path.clone());
        let entries = Arc::clone(&self.entries);
        Box::pin(blocking(move || {
            let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
            let mut batch = Vec::new();
            while batch.len() < LISTING_BATCH_MAX {
                let Some(next) = entries.next() else { break };
                batch.extend(listed(&root, &path, &next.map_err(store_error)?));
            }
            Ok(batch)
        }))
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
