//! The local disk: everything beneath one directory, and nothing else. Design D10, D11.
//!
//! | file | what it knows |
//! |---|---|
//! | `place` | resolving beneath the root, opening, locking |
//! | `reading` | what is there, and opening it to read |
//! | `held` | directories that commands sent ahead find open |
//! | `whole`, `append`, `in_place` | the three ways to write |
//! | `reserved` | names that are settled before anything has them |
//! | `temporary` | what interrupted uploads leave to go on with |
//! | `sidecar` | undoing an append after a crash |
//! | `parts` | a file that comes in parts |
//! | `jobs` | where work that blocks is done |
//! | `facts` | setting times and modes |
//! | `naming` | removing directories, renaming |
//! | `upload`, `source`, `listing` | the traits, off the runtime's workers |
//! | `sweep` | what failed uploads left |
//! | `usage` | how much there is |
//! | `errors`, `system` | what the operating system says, and how they differ |

mod append;
mod errors;
mod facts;
mod held;
mod in_place;
mod jobs;
mod listing;
mod naming;
mod parts;
mod place;
mod reading;
mod reserved;
mod sidecar;
mod source;
mod sweep;
mod system;
mod temporary;
mod upload;
mod usage;
mod whole;
mod writer;

#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;

pub use self::sweep::Swept;

use self::append::Append;
use self::errors::store_error;
use self::held::Held;
use self::in_place::InPlace;
use self::jobs::{blocking, brief};
use self::listing::{DiskListing, DiskPages};
use self::place::{Place, relative};
use self::reserved::Reserved;
use self::upload::{DiskUpload, Work};
use self::whole::Whole;
use super::{
    Assembly, Entry, Kept, Listing, Pages, Pen, Source, Store, StoreError, Upload, UploadKind,
    names,
};
use crate::busy;

/// A directory of the local disk as a store. Clones are views of the same.
///
/// Every path is resolved by the kernel beneath the directory (`openat2` with
/// `RESOLVE_BENEATH`); symbolic links are followed as long as they stay in it, absolute ones
/// never. Deleting and renaming act on a link itself. Only regular files are opened. Two
/// processes may serve the same tree: temporaries and appends are locked with `flock`.
#[derive(Clone, Debug)]
pub struct DiskStore {
    root: Arc<Dir>,
    uploads: UploadPolicy,
    durability: Durability,
    reserved: Arc<Reserved>,
    held: Arc<Held>,
}

/// How STOR and STOU write.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum UploadPolicy {
    /// Into a hidden temporary, renamed at the end: a file appears only whole.
    #[default]
    Whole,
    /// Into the file itself, the classic way: what has arrived stays.
    Resumable,
}

/// What an upload outlives once it is committed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Durability {
    /// The end of the process.
    #[default]
    Process,
    /// The loss of power: file and directory are synced.
    Power,
}

impl DiskStore {
    /// The store beneath the directory `root`. Blocks for a moment.
    ///
    /// # Errors
    /// When `root` is not a directory that can be opened.
    pub fn open(root: &Path, uploads: UploadPolicy, durability: Durability) -> io::Result<Self> {
        let root = Arc::new(Dir::open_ambient_dir(root, ambient_authority())?);
        Ok(Self {
            root,
            uploads,
            durability,
            reserved: Arc::default(),
            held: Arc::default(),
        })
    }

    /// The same store seen from the directory `path`, confined to it. Blocks for a moment.
    ///
    /// # Errors
    /// When `path` is not a directory beneath this root.
    pub fn home(&self, path: &VirtualPath) -> Result<Self, StoreError> {
        names::check_readable(path)?;
        let root = Arc::new(self.root.open_dir(relative(path)).map_err(store_error)?);
        Ok(Self {
            root,
            ..self.for_a_session()
        })
    }

    /// The same store, for the commands of one session: what they find open is their own.
    pub(super) fn for_a_session(&self) -> Self {
        Self {
            held: Arc::default(),
            ..self.clone()
        }
    }

    /// Removes the temporaries that nobody uses and that are older than `older_than`, and
    /// undoes appends that a crash cut short. Memory and open files stay bounded.
    ///
    /// # Errors
    /// When the root cannot be read. What cannot be read or removed beneath it is passed over.
    ///
    /// # Cancel safety
    /// The sweep then stops within a few milliseconds.
    pub async fn sweep(&self, older_than: Duration) -> Result<Swept, StoreError> {
        sweep::sweep(Arc::clone(&self.root), older_than, self.durability).await
    }

    /// Does `work` where it may block, with a view of this store and its own copy of `path`.
    fn run<'a, T: Send + 'static>(
        &self,
        path: &VirtualPath,
        work: impl FnOnce(&Self, &VirtualPath) -> Result<T, StoreError> + Send + 'static,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        let (store, path) = (self.clone(), path.clone());
        Box::pin(blocking(move || work(&store, &path)))
    }

    /// The same for work that takes a moment at most: done at once where this thread may block.
    fn run_briefly<'a, T: Send + 'static>(
        &self,
        path: &VirtualPath,
        work: impl FnOnce(&Self, &VirtualPath) -> Result<T, StoreError> + Send + 'static,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        if busy::may_block() {
            return Box::pin(future::ready(work(self, path)));
        }
        self.run(path, work)
    }

    /// The same for what moves or removes a name, which may be a link on the way to others: what
    /// was found before it, or by it, is not found any more afterwards.
    fn run_forgetting<'a, T: Send + 'static>(
        &self,
        path: &VirtualPath,
        work: impl FnOnce(&Self, &VirtualPath) -> Result<T, StoreError> + Send + 'static,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        self.held.forget();
        self.for_a_session().run(path, work)
    }

    fn begin_blocking(
        &self,
        path: &VirtualPath,
        kind: UploadKind,
    ) -> Result<Box<dyn Upload>, StoreError> {
        names::check_creatable(path)?;
        // STOU never goes through a link: a taken hint only means another name.
        let (place, found) = match kind {
            UploadKind::Unique => (Place::of(self, path)?, None),
            _ => Place::found(self, path)?,
        };
        let durability = self.durability;
        let work: Box<dyn Work> = match (kind, self.uploads) {
            (UploadKind::Append, _) if place.file_entry()?.is_none() => {
                Box::new(Whole::created(place, durability)?)
            }
            (UploadKind::Append, _) => Box::new(Append::begin(place, durability)?),
            (UploadKind::Range { offset, end }, _) => {
                Box::new(Whole::range(place, (offset, end), durability)?)
            }
            (UploadKind::Replace, UploadPolicy::Whole) => {
                Box::new(Whole::replace(place, found, durability)?)
            }
            (UploadKind::Resume { offset }, UploadPolicy::Whole) => {
                Box::new(Whole::resume(place, offset, durability)?)
            }
            (UploadKind::Unique, UploadPolicy::Whole) => {
                let upload = Whole::unique(place, &self.reserved, durability)?;
                let path = names::child(&path.parent(), upload.name())?;
                return Ok(Box::new(DiskUpload::new(path, Box::new(upload))));
            }
            (UploadKind::Replace, UploadPolicy::Resumable) => {
                Box::new(InPlace::begin(place, 0, durability)?)
            }
            (UploadKind::Resume { offset }, UploadPolicy::Resumable) => {
                Box::new(InPlace::begin(place, offset, durability)?)
            }
            (UploadKind::Unique, UploadPolicy::Resumable) => {
                let upload = InPlace::unique(place, durability)?;
                let path = names::child(&path.parent(), upload.name())?;
                return Ok(Box::new(DiskUpload::new(path, Box::new(upload))));
            }
        };
        Ok(Box::new(DiskUpload::new(path.clone(), work)))
    }
}

impl Store for DiskStore {
    fn stat<'a>(&'a self, path: &'a VirtualPath) -> BoxFuture<'a, Result<Entry, StoreError>> {
        self.run_briefly(path, Self::stat_blocking)
    }

    fn look<'a>(&'a self, path: &'a VirtualPath) -> BoxFuture<'a, Result<Entry, StoreError>> {
        self.run_briefly(path, Self::look_blocking)
    }

    fn forget(&self) {
        self.held.forget();
    }

    fn partial<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Option<Kept>, StoreError>> {
        self.run_briefly(path, Self::partial_blocking)
    }

    fn list<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Box<dyn Listing>, StoreError>> {
        self.run(path, |store, path| {
            names::check_readable(path)?;
            let listing = DiskListing::open(Arc::clone(&store.root), path)?;
            Ok(Box::new(listing) as Box<dyn Listing>)
        })
    }

    fn list_lines<'a>(
        &'a self,
        path: &'a VirtualPath,
        pen: Box<dyn Pen>,
    ) -> BoxFuture<'a, Result<Box<dyn Pages>, StoreError>> {
        self.run(path, |store, path| {
            names::check_readable(path)?;
            let pages = DiskPages::open(Arc::clone(&store.root), path, pen)?;
            Ok(Box::new(pages) as Box<dyn Pages>)
        })
    }

    fn open<'a>(
        &'a self,
        path: &'a VirtualPath,
        offset: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Source>, StoreError>> {
        self.run_briefly(path, move |store, path| store.open_blocking(path, offset))
    }

    fn begin<'a>(
        &'a self,
        path: &'a VirtualPath,
        kind: UploadKind,
    ) -> BoxFuture<'a, Result<Box<dyn Upload>, StoreError>> {
        let work = move |store: &Self, path: &VirtualPath| store.begin_blocking(path, kind);
        match kind {
            UploadKind::Replace | UploadKind::Unique => self.run_briefly(path, work),
            // May begin with a copy of the file, or with undoing an append.
            UploadKind::Resume { .. } | UploadKind::Range { .. } | UploadKind::Append => {
                self.run(path, work)
            }
        }
    }

    fn assemble<'a>(
        &'a self,
        path: &'a VirtualPath,
        octets: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Assembly>, StoreError>> {
        self.run_briefly(path, move |store, path| {
            store.assemble_blocking(path, octets)
        })
    }

    fn copies(&self) -> bool {
        self.uploads == UploadPolicy::Whole
    }

    fn blocks(&self) -> bool {
        true
    }

    fn free(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        let root = Arc::clone(&self.root);
        Box::pin(brief(move || system::free(&root).map_err(store_error)))
    }

    fn usage(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(usage::count(Arc::clone(&self.root)))
    }

    fn make_directory<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.run_briefly(path, |store, path| {
            names::check_creatable(path)?;
            if path.file_name().is_none() {
                return Err(StoreError::Exists);
            }
            store.root.create_dir(relative(path)).map_err(store_error)
        })
    }

    fn remove_directory<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.run_forgetting(path, Self::remove_directory_blocking)
    }

    fn delete<'a>(&'a self, path: &'a VirtualPath) -> BoxFuture<'a, Result<(), StoreError>> {
        self.run_forgetting(path, |store, path| {
            names::check_readable(path)?;
            let place = Place::of(store, path)?;
            let _kept_away = sidecar::keep_appends_away(&place, store.durability)?;
            place.dir.remove_file(&place.name).map_err(store_error)
        })
    }

    fn set_modified<'a>(
        &'a self,
        path: &'a VirtualPath,
        modified: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.run_briefly(path, move |store, path| {
            store.set_modified_blocking(path, modified)
        })
    }

    fn set_mode<'a>(
        &'a self,
        path: &'a VirtualPath,
        mode: u32,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.run_forgetting(path, move |store, path| store.set_mode_blocking(path, mode))
    }

    fn rename<'a>(
        &'a self,
        from: &'a VirtualPath,
        to: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let to = to.clone();
        self.run_forgetting(from, move |store, from| {
            store.rename_blocking(from, &to, true)
        })
    }

    fn rename_new<'a>(
        &'a self,
        from: &'a VirtualPath,
        to: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let to = to.clone();
        self.run_forgetting(from, move |store, from| {
            store.rename_blocking(from, &to, false)
        })
    }
}
