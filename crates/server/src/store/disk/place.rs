//! A place: a directory held open and one name in it, where nothing is resolved any more.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use cap_std::fs::{Dir, Metadata, OpenOptions};
use thirdhost_proto::server::VirtualPath;

use super::super::StoreError;
use super::super::names;
use super::errors::store_error;
use super::{DiskStore, Durability, system};

/// Where a file is or will be. The name is one component.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) dir: Arc<Dir>,
    pub(super) name: String,
}

impl Place {
    /// The place of `path`, the last component not followed.
    pub(super) fn of(store: &DiskStore, path: &VirtualPath) -> Result<Self, StoreError> {
        let name = path.file_name().ok_or(StoreError::NotFile)?;
        let parent = path.parent();
        let dir = match relative(&parent) {
            "." => Arc::clone(&store.root),
            // SECURITY: the kernel resolves, and refuses what leads out of the root (spec S-44).
            parent => store.held.open(&store.root, parent).map_err(store_error)?,
        };
        Ok(Self {
            dir,
            name: name.to_owned(),
        })
    }

    /// The place of anything but the root, which can be neither removed nor renamed.
    pub(super) fn below_root(store: &DiskStore, path: &VirtualPath) -> Result<Self, StoreError> {
        if path.file_name().is_none() {
            return Err(StoreError::NotPermitted);
        }
        Self::of(store, path)
    }

    /// The place of `path`, or of what the symbolic link there leads to; and what is there now.
    pub(super) fn found(
        store: &DiskStore,
        path: &VirtualPath,
    ) -> Result<(Self, Option<Metadata>), StoreError> {
        let place = Self::of(store, path)?;
        let entry = place.entry()?;
        if !entry.as_ref().is_some_and(Metadata::is_symlink) {
            return Ok((place, entry));
        }
        let root = &store.root;
        let target = root.canonicalize(relative(path)).map_err(store_error)?;
        let target = target.to_str().ok_or(StoreError::NotFound)?;
        let (parent, name) = target.rsplit_once('/').unwrap_or((".", target));
        if name == "." {
            return Err(StoreError::NotFile);
        }
        if target.split('/').any(names::is_hidden) {
            return Err(StoreError::NameNotAllowed);
        }
        let dir = root.open_dir(parent).map_err(store_error)?;
        let place = Self {
            dir: Arc::new(dir),
            name: name.to_owned(),
        };
        let entry = place.entry()?;
        Ok((place, entry))
    }

    /// The same, when nobody asks what is there.
    pub(super) fn resolved(store: &DiskStore, path: &VirtualPath) -> Result<Self, StoreError> {
        Self::found(store, path).map(|(place, _)| place)
    }

    /// What is there now; a symbolic link is one.
    pub(super) fn entry(&self) -> Result<Option<Metadata>, StoreError> {
        entry(&self.dir, &self.name)
    }

    /// What is there now, when it is a regular file or nothing.
    pub(super) fn file_entry(&self) -> Result<Option<Metadata>, StoreError> {
        file_or_nothing(self.entry()?)
    }

    /// Opens the file to write, creating it when missing: then the second value is `true`.
    pub(super) fn open_or_create(&self) -> Result<(File, bool), StoreError> {
        let mut options = system::writing_no_link();
        match open(&self.dir, &self.name, options.create_new(true)) {
            Err(StoreError::Exists) => {
                open(&self.dir, &self.name, &system::writing_no_link()).map(|file| (file, false))
            }
            created => created.map(|file| (file, true)),
        }
    }

    /// Makes the names in the directory outlive a power failure, when that is asked for.
    pub(super) fn sync(&self, durability: Durability) -> Result<(), StoreError> {
        match durability {
            Durability::Process => Ok(()),
            Durability::Power => system::sync_directory(&self.dir).map_err(store_error),
        }
    }
}

/// What was found, when it is a regular file or nothing.
pub(super) fn file_or_nothing(found: Option<Metadata>) -> Result<Option<Metadata>, StoreError> {
    match found {
        Some(found) if !found.is_file() => Err(StoreError::NotFile),
        found => Ok(found),
    }
}

/// What cap-std takes for `path`: relative, and `.` for the root.
pub(super) fn relative(path: &VirtualPath) -> &str {
    match path.relative() {
        "" => ".",
        relative => relative,
    }
}

/// What is at `name` now, links not followed.
pub(super) fn entry(dir: &Dir, name: &str) -> Result<Option<Metadata>, StoreError> {
    match dir.symlink_metadata(name) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(store_error(error)),
    }
}

/// Opens a regular file; anything else is refused (spec S-49).
pub(super) fn open(dir: &Dir, name: &str, options: &OpenOptions) -> Result<File, StoreError> {
    open_found(dir, name, options).map(|(file, _)| file)
}

/// The same, and what it was when it had been opened.
pub(super) fn open_found(
    dir: &Dir,
    name: &str,
    options: &OpenOptions,
) -> Result<(File, Metadata), StoreError> {
    let file = dir.open_with(name, options).map_err(store_error)?;
    let found = file.metadata().map_err(store_error)?;
    if !found.is_file() {
        return Err(StoreError::NotFile);
    }
    Ok((file.into_std(), found))
}

/// Creates a hidden file that no name leads to, locked; it may take the place of `target`.
pub(super) fn unnamed(dir: &Dir, target: Option<&Metadata>) -> Result<(File, String), StoreError> {
    unnamed_as(names::UNNAMED, dir, target)
}

/// The same, with a name that begins with `prefix`.
pub(super) fn unnamed_as(
    prefix: &str,
    dir: &Dir,
    target: Option<&Metadata>,
) -> Result<(File, String), StoreError> {
    let mut options = system::writing_as_private_as(target);
    options.create_new(true);
    for _ in 0..OPEN_TRIES_MAX {
        let number = NEXT_UNNAMED.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}{}-{number}", process::id());
        match open(dir, &name, &options) {
            Err(StoreError::Exists) => {}
            Err(error) => return Err(error),
            Ok(file) => {
                lock(&file)?;
                return Ok((file, name));
            }
        }
    }
    Err(StoreError::Busy)
}

/// Takes the lock on an open file; `false` when another has it.
pub(super) fn lock(file: &File) -> Result<bool, StoreError> {
    is_locked(file.try_lock())
}

/// The same for those who only keep writers away, and not each other.
pub(super) fn lock_shared(file: &File) -> Result<bool, StoreError> {
    is_locked(file.try_lock_shared())
}

/// Whoever opens a file holds the lock for a moment when he undoes an append.
pub(super) fn lock_patiently(
    file: &File,
    lock: fn(&File) -> Result<bool, StoreError>,
) -> Result<bool, StoreError> {
    for _ in 1..OPEN_TRIES_MAX {
        if lock(file)? {
            return Ok(true);
        }
        thread::yield_now();
    }
    lock(file)
}

fn is_locked(tried: Result<(), TryLockError>) -> Result<bool, StoreError> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(store_error(error)),
    }
}

/// Whether `name` is still the open `file`: a committing upload renames, a deletion unlinks.
pub(super) fn is_still(dir: &Dir, name: &str, file: &File) -> Result<bool, StoreError> {
    let identity = system::identity_of(file).map_err(store_error)?;
    Ok(entry(dir, name)?.is_some_and(|found| system::identity(&found) == identity))
}

/// Tells apart the unnamed files of one process.
static NEXT_UNNAMED: AtomicU64 = AtomicU64::new(0);

/// How often a name is opened again because it was renamed between opening and locking.
pub(super) const OPEN_TRIES_MAX: usize = 8;
