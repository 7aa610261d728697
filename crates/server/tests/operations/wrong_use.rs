//! What is said to an operator who typed something wrong: what, where, and what to do.

use std::fs;
use std::net::TcpListener;

use crate::daemon::{run, thirdhostd};

#[test]
fn what_was_typed_wrong_is_named_with_what_was_expected() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write("file", "");
    write("users.toml", "");
    write(
        "xferlog.toml",
        "listen = [\"127.0.0.1:0\"]\nroot = \".\"\n[log]\nxferlog = \"nodir/x\"\n[anonymous]\n",
    );
    for (typed, expected) in [
        (
            &["--root", "nodir"][..],
            "--root: nodir: no such directory; ",
        ),
        (&["--root", "file"], "--root: file: not a directory; "),
        (
            &["--listen", "127.0.0.1"],
            "expected an IP address and a port such as 127.0.0.1:2121",
        ),
        (
            &["--listen", "localhost:2121"],
            "expected an IP address and a port such as ",
        ),
        (
            &["--listen", &taken],
            "another program listens there; choose another port, or end it",
        ),
        (
            &["--listen", "203.0.113.1:0"],
            "no address of this host; see `ip address`",
        ),
        (&["--config", "xferlog.toml"], "log.xferlog: nodir/x: "),
        (
            &["user", "remove", "bob", "--users", "nofile"],
            "nofile: cannot be read: ",
        ),
        (
            &["user", "remove", "bob", "--users", "users.toml"],
            "there is no user \"bob\" in ",
        ),
        (
            &["user", "set", "bob", "--users", "nodir/u"],
            "nodir/u: cannot be written: ",
        ),
        (
            &["tls", "self-signed", "--out", ".", "--name", "no name!"],
            "no name!: expected a host ",
        ),
    ] {
        // Who is refused before the password is asked for reads none.
        let input = if typed.starts_with(&["user", "set"]) {
            "secret\n"
        } else {
            ""
        };
        let output = run(
            thirdhostd().current_dir(directory.path()).args(typed),
            input,
        );
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{typed:?}: {said}");
        assert!(said.contains(expected), "{typed:?}: {said}");
        assert!(!said.contains("/.tmp"), "{typed:?}: {said}");
    }
    let check = ["--config", "xferlog.toml", "--check"];
    let output = run(thirdhostd().current_dir(directory.path()).args(check), "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("log.xferlog: "), "{said}");
}
