//! Landlock: what the server may still reach, and what happens where it cannot be confined.
#![cfg(target_os = "linux")]

use std::fs;

use landlock::{
    ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, path_beneath_rules,
};

use crate::daemon::{Daemon, Site, run, text, thirdhostd};

//= security#S-74
//= type=test
#[test]
fn s_74_a_confined_server_does_its_work_and_reads_nothing_else() {
    let site = Site::new("[log]\nxferlog = \"../log/xferlog\"", "");
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
    // In a thread of its own: what it takes from itself, the other tests keep.
    std::thread::spawn(without_confinements_left)
        .join()
        .unwrap();
}

fn without_confinements_left() {
    let site = Site::new("", "");
    // The kernel stacks 16 confinements. This thread takes them all, and its children inherit
    // them.
    let everything = AccessFs::from_all(ABI::V1);
    let confine = || {
        let ruleset = Ruleset::default().handle_access(everything)?.create()?;
        let rules = path_beneath_rules(["/"], everything);
        ruleset.add_rules(rules)?.restrict_self()
    };
    while let Ok(status) = confine()
        && status.ruleset == landlock::RulesetStatus::FullyEnforced
    {}
    let mut strict = thirdhostd();
    strict
        .arg("--require-sandbox")
        .arg("--config")
        .arg(site.configuration());
    let refused = run(&mut strict, "");
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("--require-sandbox: not confined: "), "{said}");

    let mut lax = thirdhostd();
    lax.arg("--config").arg(site.configuration());
    let server = Daemon::start(lax);
    server.logged("not confined by Landlock");
    server.alice();
}
