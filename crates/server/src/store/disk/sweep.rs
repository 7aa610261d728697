//! The sweep: removes what failed uploads left, and undoes appends cut short. Design D10.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cap_std::fs::{Dir, ReadDir};

use super::super::StoreError;
use super::super::names;
use super::errors::store_error;
use super::jobs::blocking;
use super::place::{self, Place};
use super::sidecar::{self, Settled};
use super::{Durability, system};

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Swept {
    /// Temporaries and stale records removed.
    pub removed: u64,
    /// Appends undone.
    pub rolled_back: u64,
    /// Temporaries and records left: in use, too young, or not ours to touch.
    pub kept: u64,
}

/// Sweeps the whole tree, a step at a time.
pub(super) async fn sweep(
    root: Arc<Dir>,
    older_than: Duration,
    durability: Durability,
) -> Result<Swept, StoreError> {
    let mut walk = blocking(move || Walk::new(&root, older_than, durability)).await?;
    loop {
        let (back, done) = blocking(move || {
            let done = walk.step();
            Ok((walk, done))
        })
        .await?;
        walk = back;
        if let Some(swept) = done {
            return Ok(swept);
        }
    }
}

/// A walk over the whole tree that goes on where it stopped. Links are not followed.
struct Walk {
    levels: Vec<(Dir, ReadDir)>,
    swept: Swept,
    older_than: Duration,
    durability: Durability,
}

impl Walk {
    fn new(root: &Dir, older_than: Duration, durability: Durability) -> Result<Self, StoreError> {
        let levels = vec![level(root, ".").map_err(store_error)?];
        Ok(Self {
            levels,
            swept: Swept::default(),
            older_than,
            durability,
        })
    }

    /// Goes on for a bounded number of entries; the counts when the tree is done.
    fn step(&mut self) -> Option<Swept> {
        for _ in 0..STEP_ENTRIES {
            let Some((dir, entries)) = self.levels.last_mut() else {
                return Some(self.swept);
            };
            // What cannot be read is passed over: a sweep does what it can.
            let Some(Ok(found)) = entries.next() else {
                self.levels.pop();
                continue;
            };
            let Ok(name) = found.file_name().into_string() else {
                continue;
            };
            if names::is_hidden(&name) {
                match leftover(dir, &name, self.older_than, self.durability) {
                    Ok(Outcome::Removed) => self.swept.removed += 1,
                    Ok(Outcome::RolledBack) => self.swept.rolled_back += 1,
                    Ok(Outcome::Kept) | Err(_) => self.swept.kept += 1,
                }
            } else if found.file_type().is_ok_and(|kind| kind.is_dir())
                && let Ok(next) = level(dir, &name)
                && self.levels.len() < DEPTH_MAX
            {
                self.levels.push(next);
            }
        }
        None
    }
}

/// Removes the leftovers in a directory that holds nothing else, whatever their age; `false`
/// when anything else is there, or a leftover is in use.
pub(super) fn clear(dir: &Dir, durability: Durability) -> Result<bool, StoreError> {
    let list = || dir.entries().map_err(store_error);
    for found in list()? {
        let name = found.map_err(store_error)?.file_name();
        if !name.to_str().is_some_and(names::is_hidden) {
            return Ok(false);
        }
    }
    for found in list()? {
        let name = found.map_err(store_error)?.file_name();
        let Some(name) = name.to_str() else {
            return Ok(false);
        };
        if leftover(dir, name, Duration::ZERO, durability)? == Outcome::Kept {
            return Ok(false);
        }
    }
    Ok(true)
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Removed,
    RolledBack,
    Kept,
}

/// Deals with one hidden file.
fn leftover(
    dir: &Dir,
    name: &str,
    older_than: Duration,
    durability: Durability,
) -> Result<Outcome, StoreError> {
    if name.starts_with(names::APPEND) {
        let about = sidecar::read(dir, name)?.map(|(_, about)| about);
        if let Some(about) = about.filter(|about| names::append_record(about) == name) {
            let place = Place {
                dir: Arc::new(dir.try_clone().map_err(store_error)?),
                name: about,
            };
            match sidecar::settle(&place, durability)? {
                Settled::RolledBack => return Ok(Outcome::RolledBack),
                Settled::Live => return Ok(Outcome::Kept),
                Settled::Clean if place::entry(dir, name)?.is_none() => {
                    return Ok(Outcome::Removed);
                }
                Settled::Clean => {}
            }
        }
    } else if !TEMPORARIES.iter().any(|start| name.starts_with(start)) {
        return Ok(Outcome::Kept);
    }
    remove(dir, name, older_than)
}

/// Removes a hidden file that is old enough and not in use.
fn remove(dir: &Dir, name: &str, older_than: Duration) -> Result<Outcome, StoreError> {
    let file = place::open(dir, name, &system::writing_no_link())?;
    if !place::lock(&file)? {
        return Ok(Outcome::Kept);
    }
    let modified = file
        .metadata()
        .and_then(|metadata| metadata.modified())
        .map_err(store_error)?;
    // A time to come counts as now.
    let age = SystemTime::now()
        .duration_since(modified)
        .unwrap_or(Duration::ZERO);
    if age < older_than || !place::is_still(dir, name, &file)? {
        return Ok(Outcome::Kept);
    }
    dir.remove_file(name).map_err(store_error)?;
    Ok(Outcome::Removed)
}

fn level(dir: &Dir, name: &str) -> std::io::Result<(Dir, ReadDir)> {
    let dir = dir.open_dir(name)?;
    let entries = dir.entries()?;
    Ok((dir, entries))
}

/// What the names of temporaries begin with.
const TEMPORARIES: [&str; 4] = [names::PARTIAL, names::UNNAMED, names::PARTS, names::CREATED];

/// How many entries one job looks at: some milliseconds, so that a shutdown does not wait.
const STEP_ENTRIES: usize = 1_024;

/// How deep the sweep goes: each level holds two files open. Nobody nests deeper by accident.
const DEPTH_MAX: usize = 64;
