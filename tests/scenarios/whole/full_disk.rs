//! The disk is full, or a file may not be as large.

use std::fs;
use std::process::{Command, Stdio};

use super::oracle::{CHANGES, Fate, NAME, Oracle};
use crate::support::peer;
use crate::support::site::USER;

/// A small file system of its own, where root may mount one.
#[test]
fn a_full_disk_leaves_the_old_file_and_room_for_others() {
    if !can_mount() {
        let required = std::env::var_os("THIRDHOST_REQUIRE_LAB").is_some();
        assert!(!required, "a small disk cannot be mounted here");
        println!("left out: mounting a small disk needs root with its right to mount");
        return;
    }
    let mount = "mount -t tmpfs -o size=1m tmpfs \"$(sed -n 's/^root = \"\\(.*\\)\"/\\1/p' \
                 \"$3\")\" && exec \"$@\"";
    let oracle = Oracle::start_in("", &["unshare", "--mount", "sh", "-c", mount, "sh"]);
    overfill(&oracle);
    // Not a byte is free before it begins.
    let change = CHANGES[1];
    oracle.prepare(change);
    let room = fs::write(oracle.path("ballast"), vec![b'b'; TOO_MUCH]);
    assert!(room.is_err());
    let mut user = oracle.user();
    let stream = peer::call(USER, user.pasv());
    user.send(format!("STOR {NAME}"));
    peer::send_all(stream, &[b'x'; 100_000]);
    let reply = user.reply().code;
    if reply == 150 {
        user.expect(552);
    } else {
        assert_eq!(reply, 452);
    }
    fs::remove_file(oracle.path("ballast")).unwrap();
    drop(user);
    oracle.judge("full from the start", change, Fate::Old);
}

/// The disk that the log goes to, and not a byte of it can be written.
#[test]
fn a_full_disk_for_the_log_stops_nothing() {
    for log in ["/dev/full", "&-"] {
        let redirected = format!("exec \"$@\" 2>{log}");
        let oracle = Oracle::start_in("log.level = \"debug\"", &["sh", "-c", &redirected, "sh"]);
        for change in CHANGES {
            oracle.prepare(change);
            oracle.judge(&format!("log to {log}: {change}"), change, Fate::Old);
        }
    }
}

#[test]
fn a_file_that_grows_too_large_leaves_the_old_one_and_the_server_running() {
    let limited = ["sh", "-c", "ulimit -f 1024 && exec \"$@\"", "sh"];
    overfill(&Oracle::start_in("", &limited));
}

/// Sends more than there is room for.
fn overfill(oracle: &Oracle) {
    for change in CHANGES {
        oracle.prepare(change);
        let mut user = oracle.user();
        let mut stream = peer::call(USER, user.pasv());
        user.ask(format!("{} {NAME}", change.verb), 150);
        // It is closed while more is sent.
        std::io::Write::write_all(&mut stream, &vec![b'x'; TOO_MUCH]).ok();
        drop(stream);
        user.expect(552);
        // There is room for another file, and the session goes on.
        let stream = peer::call(USER, user.pasv());
        user.ask("STOR other", 150);
        peer::send_all(stream, &[b'x'; 400_000]);
        user.expect(226);
        user.ask("DELE other", 250);
        drop(user);
        oracle.judge(&format!("no room: {change}"), change, Fate::Old);
        assert!(oracle.is_clean(), "{change}: {:?}", oracle.leftovers());
    }
}

fn can_mount() -> bool {
    let mut mount = Command::new("unshare");
    mount.args(["--mount", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs"]);
    let directory = tempfile::tempdir().unwrap();
    let mounted = mount.arg(directory.path()).stderr(Stdio::null()).status();
    mounted.is_ok_and(|status| status.success())
}

/// More than fits.
const TOO_MUCH: usize = 3 << 20;
