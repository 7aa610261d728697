//! Passwords are made to cost memory and time: many at once cost no more memory than two, and
//! those who are in are served meanwhile.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use thirdhost_server::accounts::PasswordHash;
use thirdhost_server::limits::HASHES_AT_ONCE;

use super::rounds;
use crate::crowd::raise_descriptors;
use crate::support::peer;
use crate::support::site::{SECRET, SITE1, USER};
use crate::support::thirdhostd::{Thirdhostd, alice};
use crate::support::user::User;

#[test]
fn many_guesses_at_once_take_the_memory_of_a_few_and_others_are_served() {
    let guesses = rounds(60, 400);
    raise_descriptors(3_000);
    let (root, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(root.path().join("there"), "bytes").unwrap();
    let file = config.path().join("thirdhostd.toml");
    // As `thirdhostd user set` makes it: 19 MiB a check.
    let costly = PasswordHash::of(&"secret".try_into().unwrap()).unwrap();
    let text = alice(SITE1, root.path());
    fs::write(&file, text.replace(SECRET, costly.as_str())).unwrap();
    let daemon = Thirdhostd::start(&[Path::new("--config"), &file]);
    let mut user = logged_in(USER, daemon.address);
    let before = peak_kib(&daemon);

    let mut guessers: Vec<User> = (0..guesses)
        .map(|number| {
            let host = format!("127.78.{}.{}", number / 250, number % 250 + 1);
            let mut guesser = User::greeted(&host, daemon.address);
            guesser.ask(format!("USER nobody{number}"), 331);
            guesser
        })
        .collect();
    for guesser in &mut guessers {
        guesser.send("PASS guess");
    }
    // Whoever is in already is served while they all wait for their turn.
    for _ in 0..20 {
        let at = user.pasv();
        user.ask("RETR there", 150);
        assert_eq!(peer::receive_all(peer::call(USER, at)), b"bytes");
        user.expect(226);
    }
    for guesser in &mut guessers {
        guesser.expect(530);
    }
    let grown = peak_kib(&daemon).saturating_sub(before);
    let bound = u64::try_from(HASHES_AT_ONCE).unwrap() * HASH_KIB + SESSION_KIB * guesses as u64;
    eprintln!("{guesses} guesses at once: {grown} KiB more at the peak, {bound} allowed");
    assert!(grown < bound, "{grown} KiB, not {bound}");
    // None of it is held against somebody else.
    logged_in("127.79.0.1", daemon.address);
}

fn logged_in(host: &str, server: SocketAddr) -> User {
    let mut user = User::greeted(host, server);
    user.log_in("alice");
    user
}

/// The most memory the server has ever had.
fn peak_kib(daemon: &Thirdhostd) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.unwrap().parse().unwrap()
}

/// One check of a password of the default cost, and what the allocator makes of it.
const HASH_KIB: u64 = 24 * 1024;

/// A session that waits: far below what a hash takes.
const SESSION_KIB: u64 = 256;
