//! Files in memory: for tests, examples and simulated worlds. The same rules as on a disk.

mod parts;
mod tree;
mod upload;

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use futures_util::future::{self, BoxFuture};
use thirdhost_proto::server::VirtualPath;

use self::parts::MemoryAssembly;
use self::tree::{Content, Tree};
use self::upload::MemoryUpload;
use super::{
    Assembly, Entry, Kept, LISTING_BATCH_MAX, Listing, Source, Store, StoreError, Upload,
    UploadKind, names,
};

/// A store in memory. Clones are views of the same files.
///
/// Uploads are whole, as [`super::UploadPolicy::Whole`] has them. Differing from a disk, an
/// append is not seen before it is committed, and nothing outlives the process.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
    /// The key of the directory seen as the root.
    root: String,
}

impl MemoryStore {
    /// An empty store, with the system's clock for times of modification.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemTime::now))
    }

    /// An empty store with a clock of the caller's.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Fn() -> SystemTime + Send + Sync>) -> Self {
        let tree = Mutex::new(Tree::new(clock()));
        Self {
            shared: Arc::new(Shared { clock, tree }),
            root: String::new(),
        }
    }

    /// The same store seen from the directory `path`, confined to it.
    ///
    /// # Errors
    /// When `path` is not a directory.
    pub fn home(&self, path: &VirtualPath) -> Result<Self, StoreError> {
        names::check_readable(path)?;
        let root = self.key(path);
        match self.shared.tree().find(&root)?.content {
            Content::Directory => Ok(Self {
                shared: Arc::clone(&self.shared),
                root,
            }),
            Content::File(_) => Err(StoreError::NotDirectory),
        }
    }

    /// What the tree calls `path`: the empty string for the root of all.
    fn key(&self, path: &VirtualPath) -> String {
        match path.relative() {
            "" => self.root.clone(),
            relative => format!("{}/{relative}", self.root),
        }
    }

    /// The key of anything but the root, which can be neither removed nor renamed.
    fn key_below_root(&self, path: &VirtualPath) -> Result<String, StoreError> {
        if path.file_name().is_none() {
            return Err(StoreError::NotPermitted);
        }
        Ok(self.key(path))
    }

    fn stat_now(&self, path: &VirtualPath) -> Result<Entry, StoreError> {
        names::check_readable(path)?;
        let (key, tree) = (self.key(path), self.shared.tree());
        let mut entry = tree.find(&key)?.entry(path.file_name().unwrap_or_default());
        entry.partial = tree.partial_kept(&key);
        Ok(entry)
    }

    fn open_now(&self, path: &VirtualPath, offset: u64) -> Result<Box<dyn Source>, StoreError> {
        names::check_readable(path)?;
        let bytes = self.shared.tree().file(&self.key(path))?;
        let at = usize::try_from(offset).map_err(|_| StoreError::BadOffset)?;
        if at > bytes.len() {
            return Err(StoreError::BadOffset);
        }
        Ok(Box::new(MemorySource { bytes, at }))
    }

    fn list_now(&self, path: &VirtualPath) -> Result<Box<dyn Listing>, StoreError> {
        names::check_readable(path)?;
        let entries = self.shared.tree().children(&self.key(path))?;
        Ok(Box::new(MemoryListing {
            entries: entries.into(),
        }))
    }

    fn rename_now(
        &self,
        from: &VirtualPath,
        to: &VirtualPath,
        replace: bool,
    ) -> Result<(), StoreError> {
        names::check_readable(from)?;
        names::check_creatable(to)?;
        let (from, to) = (self.key_below_root(from)?, self.key_below_root(to)?);
        let mut tree = self.shared.tree();
        if !replace && tree.find(&to).is_ok() {
            return Err(StoreError::Exists);
        }
        tree.rename(&from, &to)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn stat<'a>(&'a self, path: &'a VirtualPath) -> BoxFuture<'a, Result<Entry, StoreError>> {
        Box::pin(async move { self.stat_now(path) })
    }

    fn partial<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Option<Kept>, StoreError>> {
        Box::pin(async move {
            names::check_readable(path)?;
            Ok(self.shared.tree().partial_kept(&self.key(path)))
        })
    }

    fn list<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Box<dyn Listing>, StoreError>> {
        Box::pin(async move { self.list_now(path) })
    }

    fn open<'a>(
        &'a self,
        path: &'a VirtualPath,
        offset: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Source>, StoreError>> {
        Box::pin(async move { self.open_now(path, offset) })
    }

    fn begin<'a>(
        &'a self,
        path: &'a VirtualPath,
        kind: UploadKind,
    ) -> BoxFuture<'a, Result<Box<dyn Upload>, StoreError>> {
        Box::pin(async move {
            names::check_creatable(path)?;
            if path.file_name().is_none() {
                return Err(StoreError::NotFile);
            }
            let key = self.key(path);
            let upload = MemoryUpload::begin(&self.shared, path, key, kind)?;
            Ok(Box::new(upload) as Box<dyn Upload>)
        })
    }

    fn assemble<'a>(
        &'a self,
        path: &'a VirtualPath,
        _octets: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Assembly>, StoreError>> {
        Box::pin(async move {
            names::check_creatable(path)?;
            if path.file_name().is_none() {
                return Err(StoreError::NotFile);
            }
            let upload = MemoryUpload::aside(&self.shared, path, self.key(path))?;
            Ok(Box::new(MemoryAssembly::new(upload)) as Box<dyn Assembly>)
        })
    }

    fn usage(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move { Ok(self.shared.tree().usage(&self.root)) })
    }

    fn make_directory<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            names::check_creatable(path)?;
            let now = (self.shared.clock)();
            self.shared
                .tree()
                .create(&self.key(path), Content::Directory, now)
        })
    }

    fn remove_directory<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            names::check_readable(path)?;
            self.shared
                .tree()
                .remove_directory(&self.key_below_root(path)?)
        })
    }

    fn delete<'a>(&'a self, path: &'a VirtualPath) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            names::check_readable(path)?;
            self.shared.tree().delete(&self.key(path))
        })
    }

    fn set_modified<'a>(
        &'a self,
        path: &'a VirtualPath,
        modified: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            names::check_readable(path)?;
            let key = self.key_below_root(path)?;
            self.shared.tree().set_modified(&key, modified)
        })
    }

    fn rename<'a>(
        &'a self,
        from: &'a VirtualPath,
        to: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.rename_now(from, to, true) })
    }

    fn rename_new<'a>(
        &'a self,
        from: &'a VirtualPath,
        to: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.rename_now(from, to, false) })
    }
}

/// What all views and uploads of a store have in common.
struct Shared {
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    tree: Mutex<Tree>,
}

impl Shared {
    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file as it was when it was opened.
struct MemorySource {
    bytes: Arc<Vec<u8>>,
    at: usize,
}

impl Source for MemorySource {
    fn size(&self) -> u64 {
        tree::length(&self.bytes)
    }

    fn file(&self) -> Option<Arc<File>> {
        None
    }

    fn read<'a>(
        &'a mut self,
        buffer: &'a mut Vec<u8>,
        most: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        Box::pin(async move {
            let end = self.at.saturating_add(most).min(self.bytes.len());
            let chunk = self.bytes.get(self.at..end).unwrap_or_default();
            buffer.extend_from_slice(chunk);
            self.at = end;
            Ok(chunk.len())
        })
    }
}

/// A directory as it was when the listing began.
struct MemoryListing {
    entries: VecDeque<Entry>,
}

impl Listing for MemoryListing {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        let end = self.entries.len().min(LISTING_BATCH_MAX);
        Box::pin(future::ready(Ok(self.entries.drain(..end).collect())))
    }
}
