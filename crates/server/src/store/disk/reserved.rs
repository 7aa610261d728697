//! Names that STOU has settled, and that nothing in the file system shows yet. RFC 959, STOU.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The names settled for STOU uploads that are under way.
#[derive(Debug, Default)]
pub(super) struct Reserved(Mutex<HashSet<(Directory, String)>>);

impl Reserved {
    /// Reserves `name` in `directory`, unless it is reserved.
    pub(super) fn reserve(
        reserved: &Arc<Self>,
        directory: Directory,
        name: &str,
    ) -> Option<Reservation> {
        let key = (directory, name.to_owned());
        let mut names = reserved.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = names.insert(key.clone());
        is_new.then(|| Reservation {
            reserved: Arc::clone(reserved),
            key,
        })
    }
}

/// One settled name; free again when dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    reserved: Arc<Reserved>,
    key: (Directory, String),
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.reserved
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

/// A directory's device and inode.
type Directory = (u64, u64);
