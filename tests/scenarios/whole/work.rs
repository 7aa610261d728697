//! What the server is at when something goes wrong, and what it must have left.

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::net::SocketAddr;
use std::process::Stdio;

use tempfile::TempDir;

use super::attempt::Attempt;
use super::oracle::{Change, Fate, NAME, OLD, Oracle, SENT};
use crate::support::site::USER;
use crate::support::thirdhostd::{self, Thirdhostd};

/// A change of the disk, or a file that leaves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    /// A user sends a file.
    Upload(Change),
    /// A user renames a file onto an old one.
    Rename,
    /// `thirdhost cp` from another server to this one.
    CopyHere(Change),
    /// `thirdhost cp` from this server to another.
    CopyAway,
}

/// The other server of a copy.
#[derive(Debug)]
pub(super) struct Other {
    daemon: Thirdhostd,
    root: TempDir,
    _config: TempDir,
}

/// What the user was told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Told {
    Done,
    NotDone,
}

impl Other {
    pub(super) fn start() -> Self {
        let [root, config] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let daemon = Thirdhostd::for_alice(HOST, root.path(), config.path());
        Self {
            daemon,
            root,
            _config: config,
        }
    }
}

impl Work {
    /// Puts everything there as it was before.
    pub(super) fn prepare(self, oracle: &Oracle, other: &Other) {
        let there = other.root.path().join(NAME);
        match self {
            Self::Upload(change) => oracle.prepare(change),
            Self::Rename => {
                fs::write(oracle.path(NAME), OLD).unwrap();
                fs::write(oracle.path(FROM), SENT).unwrap();
            }
            Self::CopyHere(change) => {
                oracle.prepare(change);
                fs::write(there, SENT).unwrap();
            }
            Self::CopyAway => {
                fs::write(oracle.path(NAME), SENT).unwrap();
                fs::remove_file(there).ok();
            }
        }
    }

    /// Does it, as far as it can be done.
    pub(super) fn attempt(self, oracle: &mut Oracle, other: &Other) -> Told {
        let told = match self {
            Self::Upload(change) => is_sent(oracle, change),
            Self::Rename => is_renamed(oracle),
            Self::CopyHere(_) => is_copied(other.daemon.address, oracle.daemon().address),
            Self::CopyAway => is_copied(oracle.daemon().address, other.daemon.address),
        };
        told.map_or(Told::NotDone, |()| Told::Done)
    }

    /// Whether all is as it must be, at both ends.
    pub(super) fn judge(self, what: &str, oracle: &Oracle, other: &Other, told: Told) {
        let fate = match told {
            Told::Done => Fate::New,
            Told::NotDone => Fate::Either,
        };
        let there = fs::read(other.root.path().join(NAME)).ok();
        match self {
            Self::Upload(change) => oracle.judge(what, change, fate),
            Self::CopyHere(change) => {
                assert_eq!(there.as_deref(), Some(SENT), "{what}: the source");
                oracle.judge(what, change, fate);
            }
            Self::Rename => {
                judge_renamed(what, oracle, told);
                oracle.judge(what, KEPT, Fate::Either);
            }
            Self::CopyAway => {
                let is_whole = there.as_deref() == Some(SENT);
                let holds = is_whole || told == Told::NotDone && there.is_none();
                let length = there.map(|there| there.len());
                assert!(holds, "{what}: {told:?}, {length:?} bytes at the other");
                oracle.judge(what, KEPT, Fate::New);
            }
        }
    }
}

fn is_sent(oracle: &mut Oracle, change: Change) -> Option<()> {
    let mut user = Attempt::log_in(oracle.daemon().address)?;
    user.store(&format!("{} {NAME}", change.verb), SENT)
}

fn is_renamed(oracle: &mut Oracle) -> Option<()> {
    let mut user = Attempt::log_in(oracle.daemon().address)?;
    user.ask(format!("RNFR {FROM}"), 350)?;
    user.ask(format!("RNTO {NAME}"), 250).map(drop)
}

/// By the real client, which tries once.
fn is_copied(from: SocketAddr, to: SocketAddr) -> Option<()> {
    let home = tempfile::tempdir().unwrap();
    let status = thirdhostd::client()
        .args(["cp", "--quiet", "--retries", "0"])
        .args([from, to].map(|at| format!("ftp://alice@{at}/{NAME}")))
        .env("HOME", home.path())
        .env_remove("XDG_CACHE_HOME")
        .env_remove("XDG_CONFIG_HOME")
        .envs([USER, HOST].map(|host| {
            let name = format!("THIRDHOST_PASSWORD_{}", host.replace('.', "_"));
            (name, "secret")
        }))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.unwrap().success().then_some(())
}

fn judge_renamed(what: &str, oracle: &Oracle, told: Told) {
    let there = |name: &str| fs::read(oracle.path(name)).ok();
    let (left, came) = (there(FROM), there(NAME));
    let is_done = left.is_none() && came.as_deref() == Some(SENT);
    let is_not = left.as_deref() == Some(SENT) && came.as_deref() == Some(OLD);
    let holds = is_done || told == Told::NotDone && is_not;
    let lengths = [left, came].map(|bytes| bytes.map(|bytes| bytes.len()));
    assert!(holds, "{what}: {told:?}, {lengths:?} bytes");
    // The judge of one file knows of no other.
    fs::remove_file(oracle.path(FROM)).ok();
}

impl Display for Work {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upload(change) => change.fmt(f),
            Self::Rename => f.write_str("RNTO old"),
            Self::CopyHere(change) => write!(f, "cp here, {change}"),
            Self::CopyAway => f.write_str("cp away"),
        }
    }
}

/// The file as it is and as it comes to be.
const KEPT: Change = Change {
    verb: "STOR",
    old: Some(OLD),
};

const FROM: &str = "from";

/// Of the other server.
const HOST: &str = "127.0.0.2";
