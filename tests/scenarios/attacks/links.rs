//! Somebody with a shell swaps a directory, or a file, for a symbolic link while the server works
//! on it: between the look and the deed there is no moment. Spec S-44, S-48.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::canary::{Guarded, is_innocent};
use super::rounds;
use crate::support::peer;
use crate::support::user::User;

//= security#S-44
//= type=test
//= security#S-48
//= type=test
#[test]
fn who_swaps_a_name_for_a_link_meanwhile_leads_no_verb_out_of_the_home() {
    let guarded = Guarded::start();
    let home = guarded.site.path("home");
    lay_out(&home, &guarded.outside);
    let swapper = Swapper::start(&home);
    let mut user = guarded.user();
    let (least, turns) = (rounds(10_000, 1_000_000), rounds(20, 1_000));
    let (mut turn, mut refused) = (0, 0);
    while turn < turns || swapper.swaps() < least {
        refused += try_all(&mut user);
        turn += 1;
    }
    let swaps = swapper.stop();
    guarded.is_untouched(&format!("{swaps} swaps, {turn} turns"));
    // The link was met, and so was the directory.
    let tried = turn * (MOVING.len() + QUIET.len());
    assert!(refused > 0 && refused < tried, "{refused} of {tried}");
    eprintln!("{swaps} swaps, {turn} turns of {tried} commands in all, {refused} refused");
}

/// Every verb once; how many were refused.
fn try_all(user: &mut User) -> usize {
    let mut refused = 0;
    for line in QUIET {
        user.send(line);
        let reply = user.reply();
        is_innocent(reply.raw.as_bytes(), line);
        refused += usize::from(reply.code >= 400);
    }
    user.ask("CWD /", 250);
    for line in MOVING {
        let at = user.pasv();
        user.send(line);
        let first = user.reply();
        is_innocent(first.raw.as_bytes(), line);
        if first.code != 150 {
            refused += 1;
            continue;
        }
        let data = peer::call("127.0.0.1", at);
        if line.starts_with("STOR") || line.starts_with("APPE") {
            peer::send_all(data, b"overwritten");
        } else {
            is_innocent(&peer::receive_all(data), line);
        }
        let last = user.reply();
        is_innocent(last.raw.as_bytes(), line);
        refused += usize::from(last.code >= 400);
    }
    refused
}

/// `d` is a directory, `file` a file; `d.link` and `file.link` lead out.
fn lay_out(home: &Path, outside: &Path) {
    fs::create_dir_all(home.join("d/inner")).unwrap();
    fs::write(home.join("d/f"), "x").unwrap();
    fs::write(home.join("file"), "x").unwrap();
    symlink(outside, home.join("d.link")).unwrap();
    symlink(outside.join("f"), home.join("file.link")).unwrap();
}

/// Somebody who exchanges the two again and again, each time in one step.
struct Swapper {
    swaps: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Swapper {
    fn start(home: &Path) -> Self {
        let (swaps, is_over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (counted, told, home) = (swaps.clone(), is_over.clone(), home.to_owned());
        let thread = thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                for name in ["d", "file"] {
                    let (one, other) = (home.join(name), home.join(format!("{name}.link")));
                    // A name that a verb has just taken away is no name to swap.
                    if renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok() {
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        });
        Self {
            swaps,
            is_over,
            thread,
        }
    }

    fn swaps(&self) -> usize {
        self.swaps.load(Ordering::Relaxed)
    }

    fn stop(self) -> usize {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.swaps.load(Ordering::Relaxed)
    }
}

const QUIET: [&str; 20] = [
    "CWD d",
    "PWD",
    "MLST",
    "CWD /",
    "MKD d/new",
    "RMD d/new",
    "SIZE d/f",
    "SIZE d/large",
    "MDTM file",
    "MLST d/secret",
    "STAT d",
    "HASH d/secret",
    "XMD5 file",
    "MFMT 20200102030405 d/f",
    "SITE CHMOD 666 d/f",
    "RNFR d/f",
    "RNTO d/g",
    "RNFR d/g",
    "RNTO d/f",
    "DELE d/victim",
];

const MOVING: [&str; 9] = [
    "RETR d/f",
    "RETR file",
    "STOR d/f",
    "STOR d/victim",
    "APPE d/f",
    "APPE file",
    "LIST d",
    "MLSD d/inner",
    "NLST d",
];
