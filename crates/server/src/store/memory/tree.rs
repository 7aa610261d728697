//! The tree of files and directories in memory, and who is writing to them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

use super::super::{Entry, EntryKind, Kept, StoreError};

/// All nodes by key: the empty string for the root, `/a/b` for what lies beneath.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: BTreeMap<String, Node>,
    next_serial: u64,
    /// What interrupted uploads left, by the key of their target.
    /// With the time of the last byte.
    pub(super) partials: BTreeMap<String, (Vec<u8>, SystemTime)>,
    /// The targets whose partial is in use.
    pub(super) writing: HashSet<String>,
    /// How many bytes running uploads have got, by the key of their target and their number.
    arriving: BTreeMap<(String, u64), u64>,
    /// The files that are being appended to.
    pub(super) appending: HashSet<String>,
    /// The names settled for STOU.
    pub(super) reserved: HashSet<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) content: Content,
    pub(super) serial: u64,
    modified: SystemTime,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Directory,
    File(Arc<Vec<u8>>),
}

impl Tree {
    pub(super) fn new(now: SystemTime) -> Self {
        let root = Node {
            content: Content::Directory,
            serial: 0,
            modified: now,
        };
        Self {
            nodes: BTreeMap::from([(String::new(), root)]),
            next_serial: 1,
            partials: BTreeMap::new(),
            writing: HashSet::new(),
            arriving: BTreeMap::new(),
            appending: HashSet::new(),
            reserved: HashSet::new(),
        }
    }

    pub(super) fn create(
        &mut self,
        key: &str,
        content: Content,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        if self.lookup(key)?.is_some() {
            return Err(StoreError::Exists);
        }
        self.put(key, content, now);
        Ok(())
    }

    /// Puts a new object at `key`, in the place of what is there. The caller has looked.
    pub(super) fn put(&mut self, key: &str, content: Content, now: SystemTime) {
        let node = Node {
            content,
            serial: self.next_serial,
            modified: now,
        };
        self.next_serial += 1;
        self.nodes.insert(key.to_owned(), node);
    }

    /// Puts bytes behind what the file holds, if it still is the one with that `serial`.
    pub(super) fn append(
        &mut self,
        key: &str,
        serial: u64,
        bytes: &[u8],
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let node = self.nodes.get_mut(key).filter(|node| node.serial == serial);
        let Some(Node {
            content: Content::File(old),
            modified,
            ..
        }) = node
        else {
            return Err(StoreError::NotFound);
        };
        Arc::make_mut(old).extend_from_slice(bytes);
        *modified = now;
        Ok(())
    }

    pub(super) fn set_modified(
        &mut self,
        key: &str,
        modified: SystemTime,
    ) -> Result<(), StoreError> {
        self.find(key)?;
        let node = self.nodes.get_mut(key).ok_or(StoreError::NotFound)?;
        node.modified = modified;
        Ok(())
    }

    pub(super) fn delete(&mut self, key: &str) -> Result<(), StoreError> {
        self.file(key)?;
        self.check_no_append(key)?;
        self.nodes.remove(key);
        Ok(())
    }

    pub(super) fn remove_directory(&mut self, key: &str) -> Result<(), StoreError> {
        if !self.children(key)?.is_empty() {
            return Err(StoreError::NotEmpty);
        }
        self.nodes.remove(key);
        let below = format!("{key}/");
        self.partials.retain(|key, _| !key.starts_with(&below));
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<(), StoreError> {
        let source = self.find(from)?.content.clone();
        let target = self.lookup(to)?.map(|node| node.content.clone());
        self.check_no_append(from)?;
        self.check_no_append(to)?;
        let below = format!("{from}/");
        if to.starts_with(&below) {
            return Err(StoreError::NameNotAllowed);
        }
        match (source, target) {
            (Content::File(_), Some(Content::Directory)) => return Err(StoreError::NotFile),
            (Content::Directory, Some(Content::File(_))) => return Err(StoreError::NotDirectory),
            (Content::Directory, Some(Content::Directory))
                if from != to && !self.children(to)?.is_empty() =>
            {
                return Err(StoreError::NotEmpty);
            }
            _ => {}
        }
        let moved: Vec<String> = self
            .nodes
            .range(from.to_owned()..)
            .map(|(key, _)| key)
            .filter(|key| *key == from || key.starts_with(&below))
            .cloned()
            .collect();
        for key in moved {
            if let (Some(node), Some(rest)) = (self.nodes.remove(&key), key.strip_prefix(from)) {
                self.nodes.insert(format!("{to}{rest}"), node);
            }
        }
        Ok(())
    }

    /// The object at `key`.
    pub(super) fn find(&self, key: &str) -> Result<&Node, StoreError> {
        self.lookup(key)?.ok_or(StoreError::NotFound)
    }

    /// The object at `key` in a directory that exists.
    pub(super) fn lookup(&self, key: &str) -> Result<Option<&Node>, StoreError> {
        for (slash, _) in key.match_indices('/') {
            let directory = key
                .split_at_checked(slash)
                .map_or("", |(directory, _)| directory);
            match self.nodes.get(directory).map(|node| &node.content) {
                None => return Err(StoreError::NotFound),
                Some(Content::File(_)) => return Err(StoreError::NotDirectory),
                Some(Content::Directory) => {}
            }
        }
        Ok(self.nodes.get(key))
    }

    /// The bytes of the file at `key`.
    pub(super) fn file(&self, key: &str) -> Result<Arc<Vec<u8>>, StoreError> {
        match &self.find(key)?.content {
            Content::File(bytes) => Ok(Arc::clone(bytes)),
            Content::Directory => Err(StoreError::NotFile),
        }
    }

    /// The bytes of the file at `key`, or nothing when nothing is there.
    pub(super) fn file_or_nothing(&self, key: &str) -> Result<Option<Arc<Vec<u8>>>, StoreError> {
        match self.lookup(key)? {
            None => Ok(None),
            Some(_) => self.file(key).map(Some),
        }
    }

    pub(super) fn children(&self, key: &str) -> Result<Vec<Entry>, StoreError> {
        if let Content::File(_) = self.find(key)?.content {
            return Err(StoreError::NotDirectory);
        }
        let below = format!("{key}/");
        let entries = self
            .nodes
            .range(below.clone()..)
            .map_while(|(key, node)| key.strip_prefix(&below).map(|name| (name, node)))
            .filter(|(name, _)| !name.contains('/'))
            .map(|(name, node)| node.entry(name));
        Ok(entries.collect())
    }

    /// A number for an upload that begins.
    pub(super) fn number(&mut self) -> u64 {
        self.next_serial += 1;
        self.next_serial
    }

    /// An upload to `key` has got so many bytes; 0 when it is over.
    pub(super) fn arrived(&mut self, key: &str, upload: u64, bytes: u64) {
        let at = (key.to_owned(), upload);
        match bytes {
            0 => drop(self.arriving.remove(&at)),
            _ => drop(self.arriving.insert(at, bytes)),
        }
    }

    /// How many bytes lie beneath `key`, or are arriving there.
    pub(super) fn usage(&self, key: &str) -> u64 {
        let below = format!("{key}/");
        let files = self
            .nodes
            .iter()
            .filter_map(|(at, node)| match &node.content {
                Content::File(bytes) => Some((at, length(bytes))),
                Content::Directory => None,
            });
        let arriving = self.arriving.iter().map(|((at, _), bytes)| (at, *bytes));
        let partials = self
            .partials
            .iter()
            .map(|(at, (bytes, _))| (at, length(bytes)));
        files
            .chain(partials)
            .chain(arriving)
            .filter(|(at, _)| at.starts_with(&below))
            .fold(0, |sum, (_, bytes)| sum.saturating_add(bytes))
    }

    pub(super) fn partial_kept(&self, key: &str) -> Option<Kept> {
        self.partials.get(key).map(|(bytes, modified)| Kept {
            bytes: length(bytes),
            modified: *modified,
        })
    }

    pub(super) fn check_no_append(&self, key: &str) -> Result<(), StoreError> {
        if self.appending.contains(key) {
            Err(StoreError::Busy)
        } else {
            Ok(())
        }
    }
}

impl Node {
    pub(super) fn entry(&self, name: &str) -> Entry {
        let (kind, size, mode) = match &self.content {
            Content::Directory => (EntryKind::Directory, 0, 0o40_755),
            Content::File(bytes) => (EntryKind::File, length(bytes), 0o100_644),
        };
        Entry {
            name: name.to_owned(),
            kind,
            size,
            modified: self.modified,
            unique: (0, self.serial),
            mode,
            links: 1,
            owner: (0, 0),
            partial: None,
        }
    }
}

/// The length of `bytes` as files have it.
pub(super) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
