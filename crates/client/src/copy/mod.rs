//! Copying files and trees: what to do, in which order, and what became of it.

mod ahead;
mod digest;
mod directories;
mod expand;
mod filter;
mod in_a_row;
mod local;
mod look;
mod missing;
mod names;
mod one;
mod others;
mod plan;
mod progress;
mod run;
mod settle;
mod site;
mod start;
mod streams;
mod unfinished;
mod upload;
mod walk;
mod worker;

use std::fmt;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thirdhost_proto::third_party::{Arrangement, Side};
use thirdhost_wire::Pathname;

pub use filter::{Filter, FilterError};
pub use site::Site;

use crate::{Environment, ExitCode, Policy, Protected};

/// A tree, a file or several, from one end to another.
#[derive(Clone, Debug)]
pub struct Copy {
    /// Where the files are; `None` is this host.
    pub from: Option<Site>,
    /// Where they go; `None` is this host.
    pub to: Option<Site>,
    /// What is copied and how.
    pub options: Options,
    /// Hears what happens.
    pub watcher: Arc<dyn Watcher>,
    /// Clock and the wish to stop.
    pub environment: Environment,
}

/// What is copied under which name: a file, or a directory with all below.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Root {
    /// At the source.
    pub from: Location,
    /// At the destination.
    pub to: Location,
}

/// A file or directory at one end.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Location {
    /// On a server; `None` is the login directory.
    Remote(Option<Pathname>),
    /// On this host.
    Local(PathBuf),
}

/// What is copied and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Directories with all below.
    pub recursive: bool,
    /// Nothing is changed; what would be done is told.
    pub dry_run: bool,
    /// What is at the destination already.
    pub existing: Existing,
    /// Interrupted files are gone on with, those of equal size are left.
    pub resume: bool,
    /// What is not among the files of a source directory is removed at the destination.
    pub delete: bool,
    /// Which files.
    pub filter: Filter,
    /// How many files at once.
    pub jobs: usize,
    /// Over how many pairs of connections one large file goes at once, where two servers can do
    /// that; 1 for all else.
    pub streams: usize,
    /// How often a file is tried again after a failure that may pass.
    pub retries: u32,
    /// Whether a server is asked how far a file is that does not pass this host, over one more
    /// control connection; what stops growing is then tried again.
    pub poll: bool,
    /// How many bytes a second may pass this host; what goes directly is not held back.
    pub limit_rate: Option<NonZeroU64>,
    /// A file is removed at the source once it is at the destination and was verified.
    pub moves: bool,
    /// How the two servers are brought together.
    pub policy: Policy,
}

/// What happens to a file that is at the destination already.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Existing {
    /// It is replaced.
    #[default]
    Replace,
    /// It is left if it is not older.
    Update,
    /// It is left if it has the same size.
    SameSize,
    /// It is left if size and hash are the same; where a server tells no hash, it is replaced.
    SameHash,
    /// It is left.
    Keep,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            recursive: false,
            dry_run: false,
            existing: Existing::default(),
            resume: false,
            delete: false,
            filter: Filter::default(),
            jobs: 1,
            streams: 1,
            retries: 3,
            poll: false,
            limit_rate: None,
            moves: false,
            policy: Policy::default(),
        }
    }
}

/// Hears what happens while files are copied, in order.
pub trait Watcher: fmt::Debug + Send + Sync {
    /// Something happened.
    fn happened(&self, event: &Happened<'_>);
}

/// What happens while files are copied. `name` is the path below the root, or the file's own.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Happened<'a> {
    /// All is listed and decided.
    Planned {
        /// How many files will be copied.
        files: usize,
        /// Their bytes, as far as they are told.
        bytes: u64,
    },
    /// A directory was made, or would be.
    Directory {
        /// Which.
        name: &'a str,
    },
    /// A file begins.
    Started {
        /// Which.
        name: &'a str,
        /// Its length, if it is told.
        bytes: Option<u64>,
        /// Where it is gone on with.
        offset: u64,
    },
    /// A file is so far.
    Progress {
        /// Which.
        name: &'a str,
        /// How long it is at the destination by now, or how far into it this host is.
        bytes: u64,
        /// Its length, if it is told.
        total: Option<u64>,
    },
    /// A file is there.
    Done {
        /// Which.
        name: &'a str,
        /// How it got there.
        moved: &'a Moved,
    },
    /// A file would be copied (`dry_run`).
    WouldCopy {
        /// Which.
        name: &'a str,
        /// Its length, if it is told.
        bytes: Option<u64>,
    },
    /// A file is left as it is.
    Skipped {
        /// Which.
        name: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// A file will be tried again.
    Retrying {
        /// Which.
        name: &'a str,
        /// Why it failed.
        reason: &'a str,
        /// How long until then.
        after: Duration,
    },
    /// A file, directory or listing failed.
    Failed(&'a Failed),
    /// Something was removed at the destination, or would be.
    Deleted {
        /// What.
        name: &'a str,
    },
    /// Something to know.
    Note(&'a str),
}

/// How one file got there.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Moved {
    /// How many bytes moved; `None` if neither server tells sizes.
    pub bytes: Option<u64>,
    /// Where it was gone on with.
    pub offset: u64,
    /// From its first command to its last reply.
    pub elapsed: Duration,
    /// Which way.
    pub way: Way,
    /// Over how many data connections at once.
    pub streams: usize,
    /// How the data connection between the two servers was protected; `None` if the bytes passed
    /// this host, whose data connections are protected as the control connections are.
    pub protection: Option<Protected>,
    /// What was compared afterwards and agrees: `size`, the name of a hash, or nothing.
    pub verified: Option<&'static str>,
}

/// Which way the bytes took.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// From server to server.
    Direct {
        /// How the servers were brought together.
        arrangement: Arrangement,
        /// Which one listened.
        listener: Side,
    },
    /// From server to server through this host.
    Relayed,
    /// From or to this host.
    Local,
}

/// What failed, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Failed {
    /// The path below the root, or the file's own.
    pub name: String,
    /// Why.
    pub message: String,
    /// What it would be as the end of the program.
    pub code: ExitCode,
}

/// What became of a whole copy. Sums of bytes count what is known.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// Files copied, or that would be.
    pub copied: u64,
    /// Files left as they are.
    pub skipped: u64,
    /// Directories made, or that would be.
    pub directories: u64,
    /// Files and directories removed at the destination, or that would be.
    pub deleted: u64,
    /// Bytes that went from server to server.
    pub direct_bytes: u64,
    /// Those of them that went under TLS.
    pub direct_tls_bytes: u64,
    /// Bytes that went from server to server through this host.
    pub relayed_bytes: u64,
    /// Bytes that came from or went to this host.
    pub local_bytes: u64,
    /// What failed.
    pub failures: Vec<Failed>,
    /// The person stopped it.
    pub stopped: bool,
}

impl Summary {
    /// Adds another copy's.
    pub fn add(&mut self, other: Self) {
        self.copied += other.copied;
        self.skipped += other.skipped;
        self.directories += other.directories;
        self.deleted += other.deleted;
        self.direct_bytes += other.direct_bytes;
        self.direct_tls_bytes += other.direct_tls_bytes;
        self.relayed_bytes += other.relayed_bytes;
        self.local_bytes += other.local_bytes;
        self.failures.extend(other.failures);
        self.stopped |= other.stopped;
    }

    /// The number `thirdhost` ends with.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        let did_something = self.copied + self.directories + self.deleted > 0;
        match self.failures.as_slice() {
            _ if self.stopped => ExitCode::Stopped,
            [] if did_something => ExitCode::Done,
            [] => ExitCode::NothingToDo,
            [first, others @ ..] if !did_something && self.skipped == 0 => {
                match others.iter().all(|other| other.code == first.code) {
                    true => first.code,
                    false => ExitCode::Other,
                }
            }
            _ => ExitCode::PartlyDone,
        }
    }

    pub(crate) fn count(&mut self, moved: &Moved) {
        self.copied += 1;
        let bytes = moved.bytes.unwrap_or(0);
        match moved.way {
            Way::Direct { .. } => {
                self.direct_bytes += bytes;
                let is_clear = matches!(moved.protection, None | Some(Protected::No));
                self.direct_tls_bytes += if is_clear { 0 } else { bytes };
            }
            Way::Relayed => self.relayed_bytes += bytes,
            Way::Local => self.local_bytes += bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check((copied, skipped): (u64, u64), codes: &[ExitCode], expected: ExitCode) {
        let failed = |&code: &ExitCode| Failed {
            name: "f".to_owned(),
            message: String::new(),
            code,
        };
        let summary = Summary {
            copied,
            skipped,
            failures: codes.iter().map(failed).collect(),
            ..Summary::default()
        };
        let found = summary.exit_code();
        assert_eq!(found, expected, "{copied} {skipped} {codes:?}");
    }

    #[test]
    fn a_copy_is_partly_done_only_if_some_of_it_is_done() {
        use ExitCode::{Done, NothingToDo, Other, PartlyDone, Refused, Temporary};
        check((1, 0), &[], Done);
        check((0, 1), &[], NothingToDo);
        check((0, 0), &[Temporary], Temporary);
        check((0, 0), &[Temporary, Temporary], Temporary);
        check((0, 0), &[Temporary, Refused], Other);
        check((0, 1), &[Temporary, Temporary], PartlyDone);
        check((1, 0), &[Temporary], PartlyDone);
    }
}
