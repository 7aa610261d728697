//! The server is killed at each system call by which an upload changes the disk.

use super::oracle::{CHANGES, Change, Fate, NAME, Oracle, SENT};
use crate::peers::require;
use crate::support::peer;
use crate::support::site::USER;

/// `strace` kills the server as it enters the call, which is then not made. Each call is reached
/// a first, a second and so on time, until the upload succeeds.
#[test]
fn a_server_that_is_killed_at_any_system_call_has_the_old_file_or_the_new_one() {
    if !require("strace") {
        return;
    }
    let mut oracle = Oracle::start(CONFIGURATION);
    let mut killed = Vec::new();
    for change in CHANGES {
        for call in CALLS {
            for number in 1..=TIMES_MAX {
                if !is_killed(&mut oracle, change, call, number) {
                    break;
                }
                killed.push(format!("{change} {call} {number}"));
            }
        }
    }
    println!("{}", killed.join("\n"));
    assert!(killed.len() >= 20, "{killed:#?}");
}

/// Tries the change; `false` when it was done before the call was reached that often.
fn is_killed(oracle: &mut Oracle, change: Change, call: &str, number: u32) -> bool {
    let what = format!("{call} {number} of {change}");
    let inject = format!("inject={call}:signal=KILL:when={number}");
    let trace = format!("trace={call}");
    oracle.restart(&[
        "strace",
        "-D",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        &trace,
        "-e",
        &inject,
    ]);
    oracle.prepare(change);
    let mut user = oracle.user();
    let address = user.pasv();
    user.send(format!("{} {NAME}", change.verb));
    let mut sent = peer::call(USER, address);
    // It may be dead before it reads it all.
    std::io::Write::write_all(&mut sent, SENT).ok();
    drop(sent);
    let is_done = user.is_told(226);
    if !is_done {
        oracle.daemon().ended();
    }
    oracle.restart(&[]);
    let fate = if is_done { Fate::New } else { Fate::Either };
    oracle.judge(&what, change, fate);
    oracle.sweep();
    !is_done
}

const CONFIGURATION: &str = "durability = \"power\"";

const CALLS: [&str; 8] = [
    "flock",
    "fchmod",
    "ftruncate",
    "pwrite64",
    "fsync",
    "renameat",
    "renameat2",
    "unlinkat",
];

/// An upload makes none of the calls more often, but for `flock`.
const TIMES_MAX: u32 = 4;
