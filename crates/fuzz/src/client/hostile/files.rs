//! The files of a server, and what can be said about them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files by path with their contents; a directory has none. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Files(Arc<Mutex<BTreeMap<String, Option<Vec<u8>>>>>);

impl Files {
    /// What the source has.
    pub(super) fn of_source() -> Self {
        let files = Self::default();
        for directory in ["x", "x/d"] {
            files.all().insert(directory.to_owned(), None);
        }
        for (name, contents) in [("x/a", "hello"), ("x/d/b", "and more"), ("x/empty", "")] {
            files.put(name, contents.into());
        }
        files
    }

    pub(super) fn put(&self, name: &str, contents: Vec<u8>) {
        self.all().insert(name.to_owned(), Some(contents));
    }

    pub(super) fn file(&self, name: &str) -> Option<Vec<u8>> {
        self.all().get(name)?.clone()
    }

    pub(super) fn is_there(&self, name: &str) -> bool {
        name.is_empty() || self.all().contains_key(name)
    }

    pub(super) fn make_directory(&self, name: &str) -> bool {
        let is_new = !self.is_there(name);
        if is_new {
            self.all().insert(name.to_owned(), None);
        }
        is_new
    }

    pub(super) fn remove(&self, name: &str) -> bool {
        self.all().remove(name).is_some()
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> bool {
        let mut files = self.all();
        let found = files.remove(from);
        let is_there = found.is_some();
        files.extend(found.map(|file| (to.to_owned(), file)));
        is_there
    }

    /// As MLST and MLSD tell it.
    pub(super) fn facts(&self, name: &str) -> Option<String> {
        let size = match name {
            "" => None,
            name => self.all().get(name)?.as_ref().map(Vec::len),
        };
        Some(match size {
            Some(size) => format!("type=file;size={size};modify=20261123000000;"),
            None => "type=dir;".to_owned(),
        })
    }

    /// The names in a directory; none of what is no directory.
    pub(super) fn names(&self, directory: &str) -> Vec<String> {
        let files = self.all();
        let below = files.keys().filter_map(|path| match path.rsplit_once('/') {
            Some((parent, name)) => (parent == directory).then(|| name.to_owned()),
            None => directory.is_empty().then(|| path.clone()),
        });
        below.collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Option<Vec<u8>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
