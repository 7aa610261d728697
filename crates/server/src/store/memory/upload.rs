//! Uploads to memory: gathered aside, put in place at the end.

use std::mem;
use std::sync::Arc;

use futures_util::future::{self, BoxFuture};
use thirdhost_proto::server::VirtualPath;

use super::super::{StoreError, Upload, UploadKind, names};
use super::Shared;
use super::tree::{Content, Tree, length};

/// An upload under way. Dropping it keeps what a later one can go on with.
pub(super) struct MemoryUpload {
    shared: Arc<Shared>,
    path: VirtualPath,
    key: String,
    number: u64,
    way: Way,
    /// What the target has to be still when this takes its place.
    begun_from: Option<Arc<Vec<u8>>>,
    bytes: Vec<u8>,
    is_touched: bool,
    is_done: bool,
}

/// What is done with the bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    /// They take the target's place; what arrived may be kept.
    Named,
    /// They take the target's place; another upload has the target's partial.
    Unnamed,
    /// They take the target's place, if it is what it was.
    Range,
    /// The same, under a reserved name.
    Unique,
    /// They go behind the file with this serial number.
    Append { serial: u64, is_created: bool },
}

impl MemoryUpload {
    pub(super) fn begin(
        shared: &Arc<Shared>,
        path: &VirtualPath,
        key: String,
        kind: UploadKind,
    ) -> Result<Self, StoreError> {
        let shared = Arc::clone(shared);
        let mut upload = Self {
            path: path.clone(),
            key,
            number: shared.tree().number(),
            way: Way::Unnamed,
            begun_from: None,
            bytes: Vec::new(),
            is_touched: false,
            // Until it has its way there is nothing to clean up.
            is_done: true,
            shared: Arc::clone(&shared),
        };
        let mut tree = shared.tree();
        match kind {
            UploadKind::Replace => {
                tree.check_no_append(&upload.key)?;
                tree.file_or_nothing(&upload.key)?;
                if tree.writing.insert(upload.key.clone()) {
                    upload.way = Way::Named;
                }
            }
            UploadKind::Resume { offset } => {
                tree.check_no_append(&upload.key)?;
                upload.bytes = kept(&mut tree, &upload.key, offset)?;
                upload.way = Way::Named;
            }
            UploadKind::Range { offset, end } => {
                tree.check_no_append(&upload.key)?;
                let target = tree.file_or_nothing(&upload.key)?;
                let there = target.as_ref().map_or(&[][..], |bytes| bytes);
                let offset = usize::try_from(offset).map_err(|_| StoreError::BadOffset)?;
                upload.bytes = there.get(..offset).ok_or(StoreError::BadOffset)?.to_vec();
                if length(there) > end {
                    return Err(StoreError::NotSupported);
                }
                (upload.begun_from, upload.way) = (target, Way::Range);
            }
            UploadKind::Unique => {
                let (path, key) = free_name(&mut tree, path, &upload.key)?;
                (upload.path, upload.key, upload.way) = (path, key, Way::Unique);
            }
            UploadKind::Append => {
                let is_created = tree.file_or_nothing(&upload.key)?.is_none();
                if !tree.appending.insert(upload.key.clone()) {
                    return Err(StoreError::Busy);
                }
                if is_created {
                    tree.put(&upload.key, Content::File(Arc::default()), (shared.clock)());
                }
                let serial = tree.find(&upload.key)?.serial;
                upload.way = Way::Append { serial, is_created };
            }
        }
        upload.is_done = false;
        drop(tree);
        Ok(upload)
    }

    /// One that no other goes on with, for what comes in parts.
    pub(super) fn aside(
        shared: &Arc<Shared>,
        path: &VirtualPath,
        key: String,
    ) -> Result<Self, StoreError> {
        let mut tree = shared.tree();
        tree.file_or_nothing(&key)?;
        let number = tree.number();
        drop(tree);
        Ok(Self {
            shared: Arc::clone(shared),
            path: path.clone(),
            key,
            number,
            way: Way::Unnamed,
            begun_from: None,
            bytes: Vec::new(),
            is_touched: false,
            is_done: false,
        })
    }

    /// Tells how many octets there are of it, for the count of the home.
    pub(super) fn counter(&self) -> impl Fn(u64) + Send + Sync + use<> {
        let (shared, key, number) = (Arc::clone(&self.shared), self.key.clone(), self.number);
        move |octets| shared.tree().arrived(&key, number, octets)
    }

    /// All of it at once.
    pub(super) fn gather(&mut self, bytes: Vec<u8>) {
        self.bytes = bytes;
    }

    fn commit_now(&mut self) -> Result<(), StoreError> {
        let mut tree = self.shared.tree();
        let now = (self.shared.clock)();
        if matches!(self.way, Way::Named | Way::Unnamed | Way::Range) {
            tree.check_no_append(&self.key)?;
        }
        let bytes = mem::take(&mut self.bytes);
        tree.arrived(&self.key, self.number, 0);
        match self.way {
            Way::Append { serial, .. } => tree.append(&self.key, serial, &bytes, now)?,
            Way::Unique => tree.create(&self.key, Content::File(Arc::new(bytes)), now)?,
            Way::Named | Way::Unnamed | Way::Range => {
                let target = tree.file_or_nothing(&self.key)?;
                let is_other =
                    target.as_ref().map(Arc::as_ptr) != self.begun_from.as_ref().map(Arc::as_ptr);
                if self.way == Way::Range && is_other {
                    return Err(target.map_or(StoreError::NotFound, |_| StoreError::Exists));
                }
                tree.put(&self.key, Content::File(Arc::new(bytes)), now);
            }
        }
        if self.way == Way::Named {
            tree.partials.remove(&self.key);
        }
        release(&mut tree, self.way, &self.key);
        self.is_done = true;
        Ok(())
    }

    fn abandon_now(&mut self) {
        if self.is_done {
            return;
        }
        self.is_done = true;
        let now = (self.shared.clock)();
        let mut tree = self.shared.tree();
        release(&mut tree, self.way, &self.key);
        tree.arrived(&self.key, self.number, 0);
        match self.way {
            Way::Append {
                serial,
                is_created: true,
            } if tree.find(&self.key).is_ok_and(|node| node.serial == serial) => {
                // Just found, and a file: it cannot fail.
                let _ = tree.delete(&self.key);
            }
            Way::Named | Way::Unique if self.is_touched && !self.bytes.is_empty() => {
                let kept = (mem::take(&mut self.bytes), now);
                tree.partials.insert(self.key.clone(), kept);
            }
            _ => {}
        }
    }
}

impl Upload for MemoryUpload {
    fn path(&self) -> &VirtualPath {
        &self.path
    }

    fn write(&mut self, mut bytes: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>> {
        Box::pin(async move {
            self.is_touched = true;
            self.bytes.append(&mut bytes);
            self.shared
                .tree()
                .arrived(&self.key, self.number, length(&self.bytes));
            Ok(bytes)
        })
    }

    fn commit(mut self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move { self.commit_now() })
    }

    fn abandon(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        self.abandon_now();
        Box::pin(future::ready(()))
    }

    fn discard(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        self.is_touched = false;
        self.abandon_now();
        Box::pin(future::ready(()))
    }
}

impl Drop for MemoryUpload {
    fn drop(&mut self) {
        self.abandon_now();
    }
}

/// The first `offset` bytes of the partial, or else of the file, marked as in use.
fn kept(tree: &mut Tree, key: &str, offset: u64) -> Result<Vec<u8>, StoreError> {
    let target = tree.file_or_nothing(key)?;
    if tree.writing.contains(key) {
        return Err(StoreError::Busy);
    }
    let offset = usize::try_from(offset).map_err(|_| StoreError::BadOffset)?;
    let partial = tree
        .partials
        .get(key)
        .and_then(|(bytes, _)| bytes.get(..offset));
    let target = target.as_ref().and_then(|bytes| bytes.get(..offset));
    let bytes = match partial.or(target) {
        Some(bytes) => bytes.to_vec(),
        None if offset == 0 => Vec::new(),
        None => return Err(StoreError::BadOffset),
    };
    tree.writing.insert(key.to_owned());
    Ok(bytes)
}

/// The first candidate that nobody has, reserved.
fn free_name(
    tree: &mut Tree,
    hint: &VirtualPath,
    key: &str,
) -> Result<(VirtualPath, String), StoreError> {
    let name = hint.file_name().ok_or(StoreError::NotFile)?;
    let directory = key.strip_suffix(name).unwrap_or(key);
    for name in names::candidates(name) {
        let key = format!("{directory}{name}");
        let is_taken = tree.lookup(&key)?.is_some()
            || tree.partials.contains_key(&key)
            || tree.writing.contains(&key);
        if !is_taken && tree.reserved.insert(key.clone()) {
            return Ok((names::child(&hint.parent(), &name)?, key));
        }
    }
    Err(StoreError::Exists)
}

fn release(tree: &mut Tree, way: Way, key: &str) {
    match way {
        Way::Named => tree.writing.remove(key),
        Way::Unnamed | Way::Range => false,
        Way::Unique => tree.reserved.remove(key),
        Way::Append { .. } => tree.appending.remove(key),
    };
}
