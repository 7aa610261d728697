//! What the user wants: which files, which way, and what is there already.

use std::sync::Arc;

use thirdhost_client::{Arrangement, Listen, Policy, Relay, Side, Verify, Via};

use crate::chance::Chance;
use crate::judge::Bytes;

/// What is to be done between the two servers.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) task: Task,
    pub(crate) files: Vec<Wanted>,
    pub(crate) policy: Policy,
    pub(crate) jobs: usize,
    /// `--streams`.
    pub(crate) streams: usize,
    pub(crate) retries: u32,
    pub(crate) poll: bool,
    /// `--continue`, at the first run.
    pub(crate) resume: bool,
    /// `--continue`, when it is tried again.
    pub(crate) resumes_later: bool,
    /// FEAT is asked before the login.
    pub(crate) asks_for_tls: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Task {
    /// One file.
    Copy,
    /// One file behind another.
    Append,
    /// A directory with all below.
    Tree,
}

/// A file at the source, and what is at the destination under the same name.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) path: String,
    pub(crate) new: Bytes,
    pub(crate) old: Option<Bytes>,
}

impl Wanted {
    /// What is there when all has been done.
    pub(crate) fn whole(&self, task: Task) -> Bytes {
        match (task, &self.old) {
            (Task::Append, Some(old)) => {
                let mut whole = old.to_vec();
                whole.extend_from_slice(&self.new);
                Arc::new(whole)
            }
            _ => Arc::clone(&self.new),
        }
    }
}

impl Workload {
    /// What this seed's user wants; a file `in_parts`, if one can be had.
    pub(crate) fn draw(chance: &Chance, in_parts: bool) -> Self {
        let task = match chance.below(10) {
            0..4 => Task::Copy,
            4..6 => Task::Append,
            _ => Task::Tree,
        };
        let task = if in_parts { Task::Copy } else { task };
        let files = match task {
            Task::Copy if in_parts => vec![long(chance)],
            Task::Copy | Task::Append => vec![wanted(chance, "/file".to_owned(), LENGTH_MAX)],
            Task::Tree => tree(chance),
        };
        let mut policy = Policy::default();
        policy.via = match chance.below(10) {
            0..4 => Via::Auto,
            4..7 => Via::Only(Arrangement::Lstn),
            7 => Via::Only(Arrangement::Epsv),
            8 => Via::Only(Arrangement::Pasv),
            _ => Via::Relay,
        };
        policy.listen = match chance.below(4) {
            0 => Listen::Only(Side::Source),
            1 => Listen::Only(Side::Destination),
            _ => Listen::Auto,
        };
        if chance.once_in(3) {
            policy.relay = Relay::Never;
        }
        policy.verify = match chance.below(4) {
            0 => Verify::None,
            1 => Verify::Size,
            2 => Verify::Hash,
            _ => Verify::Auto,
        };
        // With --continue, what is as long as the new file passes for it.
        let tells = |file: &Wanted| {
            file.old
                .as_ref()
                .is_none_or(|old| old.len() != file.new.len())
        };
        let may_resume = task == Task::Append || files.iter().all(tells);
        Self {
            task,
            files,
            policy,
            jobs: 1 + chance.index(3),
            streams: if in_parts { 2 + chance.index(2) } else { 1 },
            retries: u32::try_from(chance.below(3)).unwrap_or(0),
            poll: chance.once_in(4),
            resume: chance.once_in(4) && may_resume,
            resumes_later: !chance.once_in(4) && may_resume,
            asks_for_tls: chance.once_in(4),
        }
    }

    /// Whether an arrangement may come about in which the port of the peer is not told.
    pub(crate) fn may_be_classic(&self) -> bool {
        self.policy.via != Via::Only(Arrangement::Lstn)
    }
}

fn tree(chance: &Chance) -> Vec<Wanted> {
    // Most trees are small: a world of many files takes as long as ten of a few.
    let count = match chance.below(16) {
        0..3 => 1 + chance.index(3),
        3 => 12 + chance.index(36),
        _ => 2 + chance.index(8),
    };
    let name = |number: usize| match number % 5 {
        0 => format!("/tree/f{number}"),
        1 | 2 => format!("/tree/a/f{number}"),
        3 => format!("/tree/a/b/f{number}"),
        _ => format!("/tree/c/f{number}"),
    };
    let files = (0..count).map(|number| wanted(chance, name(number), LENGTH_EACH_MAX));
    files.collect()
}

fn wanted(chance: &Chance, path: String, length_max: usize) -> Wanted {
    // Where bytes are cut and what befalls them takes no long file; buffers that run over do.
    let length = match chance.below(32) {
        0..3 => 0,
        3..6 => 1,
        6 => length_max,
        7 => chance.index(length_max),
        8..12 => chance.index(length_max / 8),
        _ => chance.index(2_000),
    };
    let old = chance.once_in(3).then(|| {
        let length = match chance.below(3) {
            // As long as the new one: the size alone tells nothing.
            0 => length,
            1 => chance.index(2 * length + 100),
            _ => length / 2,
        };
        Arc::new(chance.bytes(length))
    });
    Wanted {
        path,
        new: Arc::new(chance.bytes(length)),
        old,
    }
}

/// Long enough for several parts, and something shorter behind the last whole block.
fn long(chance: &Chance) -> Wanted {
    let length = PARTS_LENGTH_MIN + chance.index(LENGTH_MAX - PARTS_LENGTH_MIN);
    let old = chance.once_in(2).then(|| {
        let length = if chance.once_in(2) { length } else { 100 };
        Arc::new(chance.bytes(length))
    });
    Wanted {
        path: "/file".to_owned(),
        new: Arc::new(chance.bytes(length)),
        old,
    }
}

/// More than a block, in which the parts of a file are measured.
const PARTS_LENGTH_MIN: usize = 66_000;

/// Longer than every buffer on the way but one.
const LENGTH_MAX: usize = 150_000;

const LENGTH_EACH_MAX: usize = 20_000;
