//! The server is killed at each system call that a work makes, and each call of the disk fails.
//!
//! With `THIRDHOST_STARVE_LONG` all works and all their calls are gone through, in turn; without,
//! those by which an upload changes the disk.

use std::fs;
use std::io::Write as _;

use super::attempt::Attempt;
use super::is_long;
use super::oracle::{CHANGES, NAME, Oracle, SENT};
use super::strace::{Calls, Strace};
use super::work::{Other, Told, Work};
use crate::peers::require;
use crate::support::patience::until_true;
use crate::support::peer;
use crate::support::site::USER;

/// The call is not made. Each is reached a first, a second and so on time, until the server
/// outlives the work.
#[test]
fn a_server_that_is_killed_at_any_system_call_has_the_old_file_or_the_new_one() {
    let Some(mut stage) = Stage::start() else {
        return;
    };
    let mut killed = Vec::new();
    for work in works() {
        let calls = stage.calls(work);
        for call in calls.keys().filter(|call| is_killed_at(call)) {
            let times = 1..=TIMES_MAX;
            let times = times.take_while(|number| stage.is_killed(work, call, *number));
            killed.extend(times.map(|number| format!("{work}: {call} {number}")));
        }
    }
    println!("killed {} times\n{}", killed.len(), killed.join("\n"));
    assert!(killed.len() >= 20, "{killed:#?}");
}

/// The disk is full, or broken, or no descriptor is left: at this call, and then no more.
#[test]
fn a_call_that_fails_leaves_the_old_file_or_the_new_one_and_the_server_serves_on() {
    let Some(mut stage) = Stage::start() else {
        return;
    };
    let mut failed = Vec::new();
    for work in works() {
        let calls = stage.calls(work);
        for (call, times) in &calls {
            for error in errors_of(call) {
                for number in 1..=(*times).min(TIMES_MAX) {
                    let what = format!("{work}: {error} from {call} {number}");
                    if stage.fails(&what, work, call, error, number) {
                        failed.push(what);
                    }
                }
            }
        }
    }
    println!("failed {} times\n{}", failed.len(), failed.join("\n"));
    assert!(failed.len() >= 20, "{failed:#?}");
}

/// In place: what was there before the upload stays, for that was on the disk.
#[test]
fn what_the_disk_failed_to_take_in_place_is_not_there_to_be_gone_on_with() {
    if !require("strace") {
        return;
    }
    let mut oracle = Oracle::start("durability = \"power\"\nuploads = \"resumable\"");
    let path = oracle.path(NAME);
    for is_sent_whole in [true, false] {
        fs::write(&path, b"there before, and more").unwrap();
        let mut user = oracle.user();
        user.ask("REST 12", 350);
        let mut stream = peer::call(USER, user.pasv());
        user.ask(format!("STOR {NAME}"), 150);
        stream.write_all(SENT).unwrap();
        let arrived = || fs::metadata(&path).unwrap().len() > 100_000;
        until_true("a part of what was sent", arrived);
        let strace = Strace::inject(oracle.daemon().pid(), "fsync", "error=EIO", 1);
        if is_sent_whole {
            drop(stream);
            user.expect(451);
        } else {
            peer::reset(stream);
            user.expect(426);
        }
        assert!(strace.detach().is_injected());
        assert_eq!(fs::read(&path).unwrap(), b"there before");
    }
}

/// The server that suffers, and another.
struct Stage {
    oracle: Oracle,
    other: Other,
}

impl Stage {
    /// `None` without `strace`.
    fn start() -> Option<Self> {
        require("strace").then(|| Self {
            oracle: Oracle::start(CONFIGURATION),
            other: Other::start(),
        })
    }

    /// The calls of a work that goes well.
    fn calls(&mut self, work: Work) -> Calls {
        work.prepare(&self.oracle, &self.other);
        let strace = Strace::look(self.oracle.daemon().pid());
        let told = work.attempt(&mut self.oracle, &self.other);
        let calls = strace.detach().calls();
        assert_eq!(told, Told::Done, "{work}");
        work.judge(&work.to_string(), &self.oracle, &self.other, told);
        calls
    }

    /// Whether the call was reached so often by a thread, and the server died of it.
    fn is_killed(&mut self, work: Work, call: &str, number: u32) -> bool {
        let what = format!("{work}: killed at {call} {number}");
        work.prepare(&self.oracle, &self.other);
        let strace = Strace::inject(self.oracle.daemon().pid(), call, "signal=KILL", number);
        let told = work.attempt(&mut self.oracle, &self.other);
        drop(strace);
        let is_killed = Attempt::log_in(self.oracle.daemon().address).is_none();
        if is_killed {
            self.oracle.daemon().ended();
            self.oracle.restart(&[]);
        } else {
            assert_eq!(told, Told::Done, "{what}, which it did not come to");
        }
        work.judge(&what, &self.oracle, &self.other, told);
        self.oracle.sweep();
        is_killed
    }

    /// Whether the call was reached so often by a thread.
    fn fails(&mut self, what: &str, work: Work, call: &str, error: &str, number: u32) -> bool {
        work.prepare(&self.oracle, &self.other);
        let pid = self.oracle.daemon().pid();
        let strace = Strace::inject(pid, call, &format!("error={error}"), number);
        let told = work.attempt(&mut self.oracle, &self.other);
        let is_injected = strace.detach().is_injected();
        assert!(self.oracle.daemon().is_running(), "{what}");
        if is_injected && SYNCS.contains(&call) {
            assert_eq!(told, Told::NotDone, "{what}: nothing holds it on the disk");
            let is_kept = self.oracle.keeps_a_beginning();
            assert!(!is_kept, "{what}: the next sync would say that all is well");
        }
        work.judge(what, &self.oracle, &self.other, told);
        self.oracle.sweep();
        is_injected
    }
}

fn works() -> Vec<Work> {
    let mut works = CHANGES.map(Work::Upload).to_vec();
    if is_long() {
        works.extend([Work::Rename, Work::CopyAway]);
        works.extend(CHANGES.iter().take(2).copied().map(Work::CopyHere));
    }
    works
}

fn is_killed_at(call: &str) -> bool {
    is_long() || CHANGING.contains(&call)
}

/// How a call may fail that the server can be asked to bear. Memory that the system does not give
/// (`mmap`) ends a Rust program.
fn errors_of(call: &str) -> &'static [&'static str] {
    let errors: &[&str] = match call {
        "pwrite64" | "pwritev" | "fallocate" => &["ENOSPC", "EIO", "EDQUOT"],
        "fsync" | "fdatasync" => &["EIO", "ENOSPC"],
        "openat" | "openat2" => &["EMFILE", "ENOSPC", "EIO", "EACCES"],
        "ftruncate" | "fchmod" | "fchown" | "flock" | "utimensat" => &["EIO", "ENOSPC"],
        "rename" | "renameat" | "renameat2" | "unlinkat" | "linkat" => &["EIO", "ENOSPC", "EROFS"],
        "statx" | "newfstatat" | "fstat" | "fstatfs" | "statfs" | "lseek" => &["EIO"],
        "getdents64" | "pread64" | "sendfile" => &["EIO"],
        "socket" | "accept4" | "fcntl" => &["EMFILE", "ENFILE"],
        "epoll_ctl" => &["ENOSPC", "ENOMEM"],
        "clone3" => &["EAGAIN"],
        "setsockopt" | "bind" | "listen" | "getsockname" => &["ENOBUFS"],
        _ => &[],
    };
    match errors {
        [first, ..] if !is_long() && CHANGING.contains(&call) => std::slice::from_ref(first),
        _ if !is_long() => &[],
        _ => errors,
    }
}

const CONFIGURATION: &str = "durability = \"power\"";

/// The calls by which an upload changes the disk.
const CHANGING: [&str; 8] = [
    "flock",
    "fchmod",
    "ftruncate",
    "pwrite64",
    "fsync",
    "renameat",
    "renameat2",
    "unlinkat",
];

/// After these has failed, what was written may be gone after a loss of power.
const SYNCS: [&str; 2] = ["fsync", "fdatasync"];

/// A thread makes no call more often in a work, but some that differ little each time.
const TIMES_MAX: u32 = 12;
