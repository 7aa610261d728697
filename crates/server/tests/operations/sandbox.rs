//! Landlock and seccomp: what the server may still do, and what happens where it is not confined.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Output;

use landlock::{
    ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, path_beneath_rules,
};
use seccompiler::{SeccompAction, SeccompFilter};

use crate::daemon::{Site, User, run, text, third_host, thirdhostd};

//= security#S-74
//= type=test
#[test]
fn s_74_from_inside_all_that_has_to_be_refused_is_refused_by_the_confinement() {
    let site = Site::new(XFERLOG, GRANT);
    fs::create_dir(site.path("log")).unwrap();
    let output = check(&site);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(!said.contains("FAILED  "), "{said}");
    for tried in [
        "be confined by Landlock: done",
        "be confined by seccomp: done",
        "read a file outside the root: Permission denied (os error 13); unconfined: done",
        "make a file outside the root: Permission denied (os error 13); unconfined: done",
        "start a program: Function not implemented (os error 38); unconfined: done",
        "trace a process: Function not implemented (os error 38); unconfined: Operation not",
        "set the user: Function not implemented (os error 38); unconfined: done",
        "call a local service (AF_UNIX): Function not implemented (os error 38); unconfined: done",
        "for a user without a grant: policy forbids the data connection: 127.0.0.1 is loopback",
        "for alice: policy forbids the data connection: 224.0.0.1 is multicast",
        "reach anybody by these calls: 0 callers seen",
        "make a call that policy allows: connected",
        "write beneath the root: done; unconfined: done",
    ] {
        let line = said.lines().find(|line| line.contains(tried));
        let passed = line.is_some_and(|line| line.starts_with("passed  "));
        assert!(passed, "{tried}: {said}");
    }
    let left: Vec<_> = fs::read_dir(site.path("root")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn the_trial_fails_where_the_kernel_has_no_landlock() {
    in_a_thread(|| {
        take_all_confinements();
        let output = check(&Site::new("", ""));
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        for failed in [
            "FAILED  be confined by Landlock: ",
            "FAILED  read a file outside the root: done; unconfined: done (it works)",
            "passed  start a program: Function not implemented",
        ] {
            assert!(said.contains(failed), "{failed}: {said}");
        }
    });
}

#[test]
fn the_trial_fails_where_the_kernel_has_no_seccomp() {
    in_a_thread(|| {
        have_no_seccomp();
        let output = check(&Site::new("", ""));
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        for failed in [
            "FAILED  be confined by seccomp: ",
            "FAILED  call a local service (AF_UNIX): done; unconfined: done (it works)",
            "FAILED  set the user: done; unconfined: done (it works)",
            "passed  read a file outside the root: Permission denied",
        ] {
            assert!(said.contains(failed), "{failed}: {said}");
        }
    });
}

#[test]
fn where_nothing_can_be_tried_the_trial_says_so() {
    let mut command = thirdhostd();
    command.args(["sandbox", "--check", "--root", "/"]);
    let output = run(&mut command, "");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("there is no place outside the root"),
        "{said}"
    );
}

//= security#S-74
//= type=test
#[test]
fn s_74_a_confined_server_makes_every_system_call_it_needs() {
    let site = Site::new("[log]\nhash = \"SHA-256\"\nlevel = \"debug\"", GRANT);
    let mut server = site.start(&["--require-sandbox"]);
    server.logged("confined by seccomp");
    let mut alice = server.alice();
    alice.store("f", b"0123456789");
    let mut connection = alice.passive();
    alice.command("APPE f", "150");
    connection.write_all(b"abc").unwrap();
    drop(connection);
    alice.expect("226");
    alice.command("REST 8", "350");
    assert_eq!(alice.retrieve("f"), b"89abc");
    alice.command("HASH f", "213");
    alice.command("XCRC f", "2");
    alice.command("SIZE f", "213");
    alice.command("MFMT 20000101000000 f", "213");
    alice.command("SITE CHMOD 640 f", "2");
    alice.command("MKD d", "257");
    alice.command("CWD d", "250");
    alice.command("CDUP", "2");
    for listing in ["MLSD", "LIST", "NLST", "NLST *"] {
        let listed = listed(&mut alice, listing);
        assert!(listed.contains('f'), "{listing}: {listed:?}");
    }
    alice.command("STAT f", "21");
    alice.command("RNFR f", "350");
    alice.command("RNTO d/g", "250");
    // Both ways of a data connection, with the own host and with a third one.
    let own = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = own.local_addr().unwrap().port();
    let called = [(own, format!("EPRT |1|127.0.0.1|{port}|")), third_host()];
    for (listener, command) in called {
        alice.command(&command, "200");
        alice.command("RETR d/g", "150");
        let mut received = Vec::new();
        let (mut connection, _) = listener.accept().unwrap();
        connection.read_to_end(&mut received).unwrap();
        drop(connection);
        alice.expect("226");
        assert_eq!(received, b"0123456789abc");
    }
    alice.command("LSTN R", "255");
    alice.command("DELE d/g", "250");
    alice.command("RMD d", "250");
    // The users and the certificate are read again, and what runs may end.
    server.signal("HUP");
    server.logged("users reloaded");
    server.alice().command("QUIT", "221");
    server.signal("TERM");
    alice.expect("421");
    assert_eq!(server.wait(), Some(0));
}

//= security#S-74
//= type=test
#[test]
fn s_74_a_confined_server_does_its_work_and_reads_nothing_else() {
    let site = Site::new(XFERLOG, "");
    fs::create_dir(site.path("log")).unwrap();
    fs::create_dir(site.path("elsewhere")).unwrap();
    let server = site.start(&["--require-sandbox"]);
    server.logged("confined by Landlock");
    let mut alice = server.alice();
    alice.command("MKD d", "257");
    alice.store("d/file", b"content");
    alice.store("d/file", b"again");
    assert_eq!(alice.retrieve("d/file"), b"again");
    alice.command("RNFR d/file", "350");
    alice.command("RNTO file", "250");
    alice.command("RMD d", "250");

    // An editor replaces the users file, logrotate the xferlog: both go on.
    let users = site.path("etc/users.toml");
    fs::write(site.path("etc/new"), text(&users)).unwrap();
    fs::rename(site.path("etc/new"), &users).unwrap();
    fs::rename(site.path("log/xferlog"), site.path("log/xferlog.1")).unwrap();
    server.signal("HUP");
    server.logged("users reloaded");
    assert_eq!(alice.retrieve("file"), b"again");
    server.logged(" transfer ");
    assert_eq!(text(&site.path("log/xferlog")).lines().count(), 1);

    // Users elsewhere are beyond its reach, whoever runs it.
    fs::copy(&users, site.path("elsewhere/users.toml")).unwrap();
    let configuration = text(&site.configuration());
    let elsewhere = configuration.replace("\"users.toml\"", "\"../elsewhere/users.toml\"");
    fs::write(site.configuration(), elsewhere).unwrap();
    server.signal("HUP");
    let line = server.logged("not reloaded");
    assert!(line.contains("Permission denied"), "{line}");
}

#[test]
fn require_sandbox_fails_where_the_kernel_refuses_and_without_it_the_server_warns() {
    in_a_thread(|| {
        take_all_confinements();
        refused_if_required("not confined by Landlock");
    });
    in_a_thread(|| {
        have_no_seccomp();
        refused_if_required("not confined by seccomp");
    });
}

fn refused_if_required(warning: &str) {
    let site = Site::new("", "");
    let mut strict = thirdhostd();
    strict
        .arg("--require-sandbox")
        .arg("--config")
        .arg(site.configuration());
    let refused = run(&mut strict, "");
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("--require-sandbox: not confined: "), "{said}");

    let server = site.start(&[]);
    server.logged(warning);
    server.alice();
}

/// A thread of its own: what it takes from itself, the other tests keep.
fn in_a_thread(trial: fn()) {
    std::thread::spawn(trial).join().unwrap();
}

/// The kernel stacks 16 confinements. This thread takes them all, and its children inherit them.
fn take_all_confinements() {
    let everything = AccessFs::from_all(ABI::V1);
    let confine = || {
        let ruleset = Ruleset::default().handle_access(everything)?.create()?;
        let rules = path_beneath_rules(["/"], everything);
        ruleset.add_rules(rules)?.restrict_self()
    };
    while let Ok(status) = confine()
        && status.ruleset == landlock::RulesetStatus::FullyEnforced
    {}
}

/// To this thread and its children the kernel is one without filters of system calls.
fn have_no_seccomp() {
    let invalid = SeccompAction::Errno(libc::EINVAL.unsigned_abs());
    let rules = [(libc::SYS_seccomp, Vec::new())].into();
    let processor = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, invalid, processor);
    let program: seccompiler::BpfProgram = filter.unwrap().try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}

/// What `command` lists.
fn listed(user: &mut User, command: &str) -> String {
    let mut connection = user.passive();
    user.command(command, "150");
    let mut listed = String::new();
    connection.read_to_string(&mut listed).unwrap();
    drop(connection);
    user.expect("226");
    listed
}

fn check(site: &Site) -> Output {
    let mut command = thirdhostd();
    command
        .args(["sandbox", "--check", "--config"])
        .arg(site.configuration());
    run(&mut command, "")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const XFERLOG: &str = "[log]\nxferlog = \"../log/xferlog\"";
const GRANT: &str = "{ send_to = [\"127.0.0.0/8\"], receive_from = [\"127.0.0.0/8\"] }";
