//! Where files live: whole things behind narrow traits (design D14).
//!
//! A store is asked for whole things: open for reading at an offset, begin an upload, commit
//! or abandon it, list, stat. The local disk and memory stand behind it; an object store can,
//! because nothing here needs a path string, a seek while writing or an append in place.

mod disk;
mod homes;
mod lines;
mod memory;
mod names;
mod parts;
mod quota;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod interleavings;

use std::fmt;
use std::fs::File;
use std::sync::Arc;
use std::time::SystemTime;

use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;

pub use disk::{DiskStore, Durability, Swept, UploadPolicy};
pub use homes::Homes;
pub use lines::{Page, Pages, Pen, Written};
pub use memory::MemoryStore;
pub use parts::{Assembly, Claim, Ranges};
pub(crate) use quota::{Quotas, bounded};

/// One user's files: everything is seen from the user's root, and nothing above it exists.
///
/// # Cancel safety
/// Every future may be dropped; the operation has then happened wholly or not at all.
pub trait Store: fmt::Debug + Send + Sync {
    /// What is at `path`. Symbolic links are followed, never out of the root.
    fn stat<'a>(&'a self, path: &'a VirtualPath) -> BoxFuture<'a, Result<Entry, StoreError>>;

    /// The same without [`Entry::partial`].
    fn look<'a>(&'a self, path: &'a VirtualPath) -> BoxFuture<'a, Result<Entry, StoreError>> {
        self.stat(path)
    }

    /// More commands may have come: whatever was found on the way to a file is to be looked for
    /// again.
    fn forget(&self) {}

    /// What is kept of an interrupted upload to `path`: what [`Entry::partial`] tells, also when no
    /// file is there yet. Stores that keep none say `None`.
    fn partial<'a>(
        &'a self,
        _path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Option<Kept>, StoreError>> {
        Box::pin(async { Ok(None) })
    }

    /// The entries of a directory, in no particular order, without `.` and `..`.
    fn list<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Box<dyn Listing>, StoreError>>;

    /// The same as text, each entry's line written by `pen`.
    fn list_lines<'a>(
        &'a self,
        path: &'a VirtualPath,
        pen: Box<dyn Pen>,
    ) -> BoxFuture<'a, Result<Box<dyn Pages>, StoreError>> {
        Box::pin(async move {
            let listing = self.list(path).await?;
            Ok(Box::new(Written::new(listing, pen)) as Box<dyn Pages>)
        })
    }

    /// Opens a regular file for reading from byte `offset` on.
    fn open<'a>(
        &'a self,
        path: &'a VirtualPath,
        offset: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Source>, StoreError>>;

    /// Begins an upload. Nothing is visible at `path` until it is committed (design D10).
    fn begin<'a>(
        &'a self,
        path: &'a VirtualPath,
        kind: UploadKind,
    ) -> BoxFuture<'a, Result<Box<dyn Upload>, StoreError>>;

    /// Begins a file of `octets` whose parts will come at once. Nothing is visible at `path` until
    /// it is committed, whatever the policy for uploads is.
    ///
    /// # Errors
    /// [`StoreError::NotSupported`] from stores that cannot write a file in several places.
    fn assemble<'a>(
        &'a self,
        _path: &'a VirtualPath,
        _octets: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Assembly>, StoreError>> {
        Box::pin(async { Err(StoreError::NotSupported) })
    }

    /// Whether a file of `octets` could be stored now. Stores that cannot tell say that it could.
    fn room(&self, _octets: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    /// How many bytes are stored beneath the root, counted now, one entry after the other: files,
    /// what interrupted uploads left, and what running ones have written so far. A file with
    /// two names counts twice; directories count nothing.
    ///
    /// # Errors
    /// [`StoreError::NotSupported`] from stores that cannot count.
    fn usage(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async { Err(StoreError::NotSupported) })
    }

    /// How many bytes may still be written before the system has none left.
    ///
    /// # Errors
    /// [`StoreError::NotSupported`] from stores that cannot tell.
    fn free(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async { Err(StoreError::NotSupported) })
    }

    /// Whether an upload that goes on behind an offset may begin with a copy of the file up to
    /// there.
    fn copies(&self) -> bool {
        true
    }

    /// Whether its operations block a thread for a moment, and do it at once on one that may.
    fn blocks(&self) -> bool {
        false
    }

    /// Makes a directory whose parent exists.
    fn make_directory<'a>(&'a self, path: &'a VirtualPath)
    -> BoxFuture<'a, Result<(), StoreError>>;

    /// Removes an empty directory.
    fn remove_directory<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Deletes a file.
    fn delete<'a>(&'a self, path: &'a VirtualPath) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Sets when a file or directory was last modified. Stores that cannot say so.
    fn set_modified<'a>(
        &'a self,
        _path: &'a VirtualPath,
        _modified: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::NotSupported) })
    }

    /// Sets the permission bits of a file or directory: those of 777 octal, no others. Stores
    /// that have none say so.
    fn set_mode<'a>(
        &'a self,
        _path: &'a VirtualPath,
        _mode: u32,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::NotSupported) })
    }

    /// Renames a file or directory; an existing file at `to` is replaced, as rename(2) does.
    fn rename<'a>(
        &'a self,
        from: &'a VirtualPath,
        to: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The same, but refused as [`StoreError::Exists`] when anything is at `to`, without a moment
    /// in which something could come there.
    fn rename_new<'a>(
        &'a self,
        from: &'a VirtualPath,
        to: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// A directory being listed, a bounded batch at a time (spec S-56).
pub trait Listing: Send {
    /// The next entries; empty at the end.
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>>;
}

/// A file being read.
pub trait Source: Send {
    /// The whole file's size in bytes when it was opened.
    fn size(&self) -> u64;

    /// The plain file behind it, for a transport that can send files itself (design D9).
    fn file(&self) -> Option<Arc<File>>;

    /// Appends the next bytes to `buffer`, at most `most` of them; 0 at the end.
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut Vec<u8>,
        most: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>>;
}

/// A file being written. Dropping it is abandoning it.
pub trait Upload: Send {
    /// The path it will appear under; chosen by the store for [`UploadKind::Unique`].
    fn path(&self) -> &VirtualPath;

    /// Takes the next bytes and gives the emptied buffer back for the next.
    fn write(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>>;

    /// Whether [`write_from`](Self::write_from) can be used.
    fn has_thread(&self) -> bool {
        false
    }

    /// Runs `fetch` in a thread that may block, where it hands over the next bytes piece by
    /// piece, so that one thread fetches and writes them. Goes on to its end when the future is
    /// dropped.
    ///
    /// # Errors
    /// What `fetch` gives back, and [`StoreError::NotSupported`] from uploads that have no such
    /// thread.
    fn write_from(&mut self, fetch: Fetch) -> BoxFuture<'_, Result<(), StoreError>> {
        drop(fetch);
        Box::pin(async { Err(StoreError::NotSupported) })
    }

    /// Does what takes long of what [`commit`](Self::commit) does before the upload appears:
    /// until then it can still be given up, for a user who is gone or says ABOR meanwhile. Nothing
    /// is written afterwards.
    ///
    /// # Errors
    /// Those of `commit`; then there is nothing to commit.
    fn settle(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    /// Makes the upload appear, whole. When it returns, the data is in place.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>>;

    /// Gives the upload up: the old file is as it was. What has arrived may be kept aside
    /// for [`UploadKind::Resume`].
    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()>;

    /// Gives the upload up, and keeps nothing of it where that can be helped: there is no use in
    /// going on with it.
    fn discard(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.abandon()
    }
}

/// Fetches bytes and hands them to the function it is given, whose failures it gives back.
pub type Fetch = Box<dyn FnOnce(&mut Take<'_>) -> Result<(), StoreError> + Send>;

/// Takes the next bytes of an upload.
pub type Take<'a> = dyn FnMut(&[u8]) -> Result<(), StoreError> + 'a;

/// What an upload does with what is there already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UploadKind {
    /// STOR: takes the place of an existing file.
    Replace,
    /// STOU: under a name that was free; the path given is a hint.
    Unique,
    /// APPE: behind what is there; creates the file when missing. Holds a lock on it; a second
    /// append to the same file is refused as [`StoreError::Busy`]. Readers may see the file
    /// grow meanwhile; when it is not committed, the file is what it was.
    Append,
    /// REST `offset` + STOR: goes on with a kept partial upload of at least `offset` bytes, or
    /// with a copy of the first `offset` bytes of the existing file; all behind is cut off.
    /// [`StoreError::Busy`] while another upload has the partial.
    Resume {
        /// Where the new bytes go.
        offset: u64,
    },
    /// RANG + STOR: the first `offset` bytes of the file as it is, and new ones behind them, aside
    /// until they are committed whatever the policy for uploads is. Of one that is not committed
    /// nothing is kept. Refused as [`StoreError::NotSupported`] where there are bytes from `end`
    /// on, which would be cut off; the commit as [`StoreError::Exists`] or
    /// [`StoreError::NotFound`] where the file is not any more what it was at the beginning.
    Range {
        /// Where the new bytes go.
        offset: u64,
        /// Where they end.
        end: u64,
    },
}

/// A file or directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The last component of its path; empty for the root.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Its size in bytes; 0 for directories.
    pub size: u64,
    /// When it was last modified.
    pub modified: SystemTime,
    /// Identifies the object within this store: device and inode on a disk.
    pub unique: (u64, u64),
    /// The Unix mode bits, where the system has them.
    pub mode: u32,
    /// How many hard links, where the system has them; else 1.
    pub links: u64,
    /// Owner and group in numbers, where the system has them.
    pub owner: (u32, u32),
    /// What is kept of an interrupted upload to this name (design D10). Filled in by
    /// [`Store::stat`] only.
    pub partial: Option<Kept>,
}

/// What is kept of an interrupted upload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Kept {
    /// How many bytes.
    pub bytes: u64,
    /// When the last of them came: what the source changed since is not in them.
    pub modified: SystemTime,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A device, a socket, a pipe, or a link that leads nowhere: shown and never opened.
    Other,
}

/// Why the store did not do it. The text is for the log; no path or errno crosses the wire.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Nothing is there, or a symbolic link leads out of the root.
    #[error("not found")]
    NotFound,
    /// The system does not permit it.
    #[error("not permitted")]
    NotPermitted,
    /// Something is there already.
    #[error("exists")]
    Exists,
    /// A directory was wanted.
    #[error("not a directory")]
    NotDirectory,
    /// A regular file was wanted.
    #[error("not a regular file")]
    NotFile,
    /// The directory is not empty.
    #[error("directory not empty")]
    NotEmpty,
    /// The name is one the store keeps for itself, or one the system cannot hold.
    #[error("name not allowed")]
    NameNotAllowed,
    /// Another transfer holds the file.
    #[error("busy")]
    Busy,
    /// The offset lies beyond what there is.
    #[error("offset beyond the end")]
    BadOffset,
    /// No room on the device, or a quota is used up.
    #[error("no space")]
    NoSpace,
    /// A pattern has more stars, or matches more names, than are looked for.
    #[error("pattern too wide")]
    PatternTooWide,
    /// The file is larger than it may be.
    #[error("file too large")]
    TooLarge,
    /// Fewer octets have come than were to.
    #[error("octets are missing")]
    Incomplete,
    /// The store cannot do that at all.
    #[error("not supported")]
    NotSupported,
    /// Everything else.
    #[error("input or output failed")]
    Io(#[source] std::io::Error),
}

/// How many entries a batch of a [`Listing`] holds at most (spec S-56): some tens of kilobytes.
pub const LISTING_BATCH_MAX: usize = 256;
