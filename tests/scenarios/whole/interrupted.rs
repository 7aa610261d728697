//! The client goes, in every way in which one goes.

use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Stdio};

use super::oracle::{CHANGES, Change, Fate, NAME, Oracle, SENT};
use crate::peers::require;
use crate::support::patience::until_true;
use crate::support::peer;
use crate::support::user::{End, User};

#[test]
fn an_interrupted_upload_leaves_the_old_file_and_nothing_to_be_seen() {
    let oracle = Oracle::start("");
    for (way, interrupt) in WAYS {
        for change in CHANGES {
            for bytes in [&[][..], b"half a fi", SENT] {
                oracle.prepare(change);
                let (user, stream) = oracle.begun(change, bytes);
                interrupt(user, stream);
                let what = format!("{way} after {} bytes of {change}", bytes.len());
                oracle.judge(&what, change, Fate::Old);
                assert!(oracle.is_clean(), "{what}: {:?}", oracle.leftovers());
            }
        }
    }
}

/// The system closes its data connection before the control connection (spec M-14, S-51). It
/// reads from a pipe that stays open, so that it is in the middle when it dies.
#[test]
fn a_curl_that_is_killed_leaves_the_old_file() {
    if !require("curl") {
        return;
    }
    let mut oracle = Oracle::start("");
    for change in CHANGES {
        oracle.prepare(change);
        let url = format!("ftp://{}/{NAME}", oracle.daemon().address);
        let mut curl = Command::new("curl");
        curl.args(["-q", "-sS", "--user", "alice:secret", "-T", "-", &url]);
        if change.verb == "APPE" {
            curl.arg("--append");
        }
        let mut curl = curl
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = curl.stdin.take().unwrap();
        stdin.write_all(SENT).unwrap();
        let old = change.old.map_or(0, <[u8]>::len) as u64;
        until_true("a part of a file", || {
            let sizes = oracle.leftovers().into_iter();
            let sizes = sizes.filter_map(|path| Some(path.metadata().ok()?.len()));
            sizes.max() > Some(old)
        });
        // SIGKILL, with the pipe open.
        curl.kill().unwrap();
        curl.wait().unwrap();
        drop(stdin);
        oracle.judge(&format!("curl killed: {change}"), change, Fate::Old);
        // Nobody waits for what the server does when its user is gone.
        until_true("the end of the upload", || oracle.is_clean());
    }
}

#[test]
fn an_interrupted_upload_goes_on_and_one_that_never_does_is_swept() {
    let mut oracle = Oracle::start("");
    let change = Change {
        verb: "STOR",
        old: None,
    };
    let begin = |oracle: &Oracle| {
        let (mut user, stream) = oracle.begun(change, b"half a fi");
        peer::reset(stream);
        user.expect(426);
        let facts = user.ask(format!("MLST {NAME}"), 250).raw;
        assert!(facts.contains("X.partial=9;"), "{facts}");
        user
    };
    let mut user = begin(&oracle);
    user.ask("REST 9", 350);
    let stream = peer::call(crate::support::site::USER, user.pasv());
    user.ask(format!("STOR {NAME}"), 150);
    peer::send_all(stream, b"le");
    user.expect(226);
    assert_eq!(std::fs::read(oracle.path(NAME)).unwrap(), b"half a file");
    user.ask(format!("DELE {NAME}"), 250);
    drop(user);

    drop(begin(&oracle));
    oracle.restart(&[]);
    assert_eq!(oracle.leftovers().len(), 1, "too young to be swept");
    oracle.sweep();
    oracle.judge("swept", change, Fate::Old);
}

type Interrupt = fn(User, TcpStream);

const WAYS: [(&str, Interrupt); 5] = [
    ("data connection reset", |mut user, stream| {
        peer::reset(stream);
        user.expect(426);
    }),
    ("both connections closed", |user, stream| {
        user.vanish(End::Close);
        drop(stream);
    }),
    ("both connections reset", |user, stream| {
        user.vanish(End::Reset);
        peer::reset(stream);
    }),
    ("ABOR", |mut user, stream| {
        user.ask("ABOR", 426);
        user.expect(226);
        drop(stream);
    }),
    ("QUIT is not heard before ABOR", |mut user, stream| {
        user.send("QUIT");
        user.ask("ABOR", 426);
        user.vanish(End::Close);
        drop(stream);
    }),
];
