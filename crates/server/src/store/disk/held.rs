//! Directories held open between one command and the next, where commands were sent ahead.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::fs::Dir;

use crate::busy;
use crate::limits::HELD_DIRECTORIES_MAX;

/// The directories that one session's commands found lately, for those that follow at once.
///
/// SECURITY: a directory that is held is one that the kernel resolved beneath the root, and in it
/// the store names single components only: whatever happens to its path meanwhile, nothing leads
/// out. What could go wrong is another thing, that a command acts where its path no longer leads.
/// It cannot: the session forgets all of them whenever something was read from its user, and
/// with each of its own commands that move or remove a name. So every command that finds a
/// directory here had come before that directory was resolved, and what it does is what it would
/// have done if it had been served at that moment. No order of events that anybody can see, on
/// this connection or another, tells the two apart.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<Vec<(String, Arc<Dir>)>>);

impl Held {
    /// The directory `path` beneath `root`, links followed as long as they stay in it. It is held
    /// only where one command follows the other: who waits for his user has none open.
    pub(super) fn open(&self, root: &Dir, path: &str) -> io::Result<Arc<Dir>> {
        if !busy::may_block() {
            return root.open_dir(path).map(Arc::new);
        }
        let mut held = self.lock();
        if let Some((_, dir)) = held.iter().find(|(of, _)| of == path) {
            return Ok(Arc::clone(dir));
        }
        let dir = Arc::new(root.open_dir(path)?);
        if held.len() >= HELD_DIRECTORIES_MAX {
            held.remove(0);
        }
        held.push((path.to_owned(), Arc::clone(&dir)));
        Ok(dir)
    }

    /// Resolves everything anew from here on.
    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(String, Arc<Dir>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
