//! What to do about each file: copy it, leave it, remove what is too much.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use thirdhost_wire::{PartsKey, TimeVal};

use super::local::Beneath;
use super::look::Length;
use super::settle::Old;
use super::walk::{Entry, Kind};
use super::{Existing, Location, Options};
use crate::Error;

/// One file to copy.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// What it is called in messages.
    pub(super) name: String,
    pub(super) from: Location,
    pub(super) to: Location,
    /// The same, if it is at this host.
    pub(super) here: Option<Beneath>,
    pub(super) file: Entry,
    /// When it was last changed, where that was asked for since.
    pub(super) changed: Option<TimeVal>,
    /// What is there already, if that was looked up.
    pub(super) there: Option<Entry>,
    /// How often it failed.
    pub(super) failures: u32,
    /// Where its last attempt began, if there was one.
    pub(super) failed_at: Option<u64>,
    /// What that may have left half done.
    pub(super) left: Option<Location>,
    /// How long the file was that had its name before this run stored under that: asked once.
    pub(super) was: Option<Length>,
    /// What the last attempt set aside was looked at there, and was whole.
    pub(super) was_whole: bool,
    /// What the file is called that made room for it, from before it was told to.
    pub(super) old: Option<Old>,
    /// Nothing that is to be moved there can be what is there already.
    pub(super) is_other: bool,
    /// An attempt began to store it, so that what is there half done is of this run.
    pub(super) has_begun: bool,
    /// What is there half done under a name that is not this attempt's alone may be of what the
    /// source had before, or is known to be no beginning of the file.
    pub(super) begins_anew: bool,
    /// It is copied by itself, not among others over one arrangement.
    pub(super) alone: bool,
    /// It comes in parts, under this key, as long as it does.
    pub(super) parts: Arc<Mutex<Option<PartsKey>>>,
}

impl Job {
    /// `root` is the destination that the person named.
    pub(super) fn new(
        name: String,
        (from, to): (Location, Location),
        root: &Location,
        file: Entry,
    ) -> Self {
        Self {
            here: beneath(root, &to),
            name,
            from,
            to,
            file,
            changed: None,
            there: None,
            failures: 0,
            failed_at: None,
            left: None,
            was: None,
            was_whole: false,
            old: None,
            is_other: false,
            has_begun: false,
            begins_anew: false,
            alone: false,
            parts: Arc::default(),
        }
    }
}

impl Job {
    /// Tells under which key it comes in parts.
    pub(super) fn is_in_parts(&self, key: Option<PartsKey>) {
        *self.parts.lock().unwrap_or_else(PoisonError::into_inner) = key;
    }

    /// Under which key it comes in parts.
    pub(super) fn in_parts(&self) -> Option<PartsKey> {
        *self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place at this host beneath the one that the person named; `None` on a server.
pub(super) fn beneath(root: &Location, at: &Location) -> Option<Beneath> {
    match (root, at) {
        (Location::Local(root), Location::Local(at)) => Some(Beneath::new(root, at)),
        _ => None,
    }
}

/// Why a file is left as it is, as far as sizes and times tell.
pub(super) fn reason_to_skip(options: &Options, job: &Job) -> Option<&'static str> {
    let there = job
        .there
        .as_ref()
        .filter(|there| there.kind == Kind::File)?;
    let same_size = job.file.size.is_some() && job.file.size == there.size;
    let seconds = |entry: &Entry| entry.modified.map(|time| time.unix_seconds());
    match options.existing {
        Existing::Keep => Some("it is there"),
        Existing::SameSize if same_size => Some("the size is the same"),
        Existing::Update => {
            let newer = seconds(&job.file).zip(seconds(there));
            newer
                .is_some_and(|(source, destination)| destination >= source)
                .then_some("it is not older")
        }
        _ if options.resume && same_size => Some("the size is the same"),
        _ => None,
    }
}

/// Whether what is at the destination has to be known before anything is decided.
pub(super) fn needs_there(options: &Options) -> bool {
    options.resume || options.delete || options.existing != Existing::Replace
}

/// The files to copy out of a tree, and the directories they need, parents first.
pub(super) fn tree(
    (from, to): (&Location, &Location),
    entries: Vec<Entry>,
    there: &HashMap<String, Entry>,
    options: &Options,
) -> Result<(Vec<String>, Vec<Job>), Error> {
    let (mut directories, mut jobs) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry.kind {
            Kind::Directory => directories.push(entry.path),
            Kind::File if options.filter.takes(&entry) => {
                let ends = (from.below(&entry.path)?, to.below(&entry.path)?);
                jobs.push(Job {
                    there: there.get(&entry.path).cloned(),
                    ..Job::new(entry.path.clone(), ends, to, entry)
                });
            }
            Kind::File | Kind::Other | Kind::Partial => {}
        }
    }
    directories.sort();
    if options.filter.only.is_some() {
        let needed: HashSet<&str> = jobs.iter().flat_map(|job| parents(&job.name)).collect();
        directories.retain(|directory| needed.contains(directory.as_str()));
    }
    Ok((directories, jobs))
}

/// What is at the destination and not at the source, children before parents.
///
/// What the filter leaves out at the source is left alone at the destination too, and so are
/// directories with something of that kind in them.
pub(super) fn surplus(
    source: &HashSet<String>,
    there: &HashMap<String, Entry>,
    options: &Options,
) -> Vec<Entry> {
    let is_surplus = |entry: &&Entry| {
        !source.contains(&entry.path)
            && (entry.kind != Kind::File || options.filter.takes(entry))
            && !matches!(entry.kind, Kind::Other | Kind::Partial)
    };
    let mut found: Vec<Entry> = there.values().filter(is_surplus).cloned().collect();
    let going: HashSet<String> = found.iter().map(|entry| entry.path.clone()).collect();
    let stays: HashSet<&str> = there
        .keys()
        .filter(|path| !going.contains(*path))
        .flat_map(|path| parents(path))
        .collect();
    found.retain(|entry| entry.kind == Kind::File || !stays.contains(entry.path.as_str()));
    found.sort_by(|a, b| b.path.cmp(&a.path));
    found
}

/// Every directory above a path.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/')
        .filter_map(move |(at, _)| path.get(..at))
}
