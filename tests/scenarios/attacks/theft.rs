//! Who is told a data port by accident, or guesses it, races the peer that was named: no byte goes
//! to him, none comes from him, and the transfer is not disturbed. RFC 2577 section 8, spec S-16
//! to S-19. A thief with the wrong certificate: the server's `tests/tls/servers.rs`.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::thread;

use super::rounds;
use crate::support::peer;
use crate::support::site::{SITE1, SITE2, STRANGER, Site, USER};
use crate::support::user::User;

//= security#S-18
//= type=test
//= security#S-19
//= type=test
#[test]
fn a_race_for_a_pinned_port_is_won_by_the_peer_alone() {
    let site = Site::start(SITE2);
    let secret = "0123456789".repeat(50_000);
    site.put("there", &secret);
    let mut user = site.user();
    for round in 0..rounds(20, 1_000) {
        for (direction, line) in [("R", "STOR stored"), ("S", "RETR there")] {
            let x = site.at(user.lstn(direction));
            let right = peer::bound(SITE1);
            user.sock(peer::place(&right));
            user.ask(line, 150);
            // Other hosts, and another port of the right host.
            let thieves = [STRANGER, USER, SITE1];
            let call = || peer::call_with(right, x).unwrap();
            let kept = race(&site, &mut user, (x, thieves), call, (direction, &secret));
            assert!(kept == secret.as_bytes(), "{line}, round {round}");
        }
    }
}

//= security#S-18
//= type=test
#[test]
fn a_race_for_a_passive_port_is_won_by_the_users_host_alone() {
    let site = Site::start(SITE2);
    let secret = "0123456789".repeat(50_000);
    site.put("there", &secret);
    let mut user = site.user();
    for round in 0..rounds(20, 1_000) {
        for (direction, line) in [("R", "STOR stored"), ("S", "RETR there")] {
            let x = user.pasv();
            user.ask(line, 150);
            let thieves = [STRANGER, SITE1, SITE2];
            let call = || peer::call(USER, x);
            let kept = race(&site, &mut user, (x, thieves), call, (direction, &secret));
            assert!(kept == secret.as_bytes(), "{line}, round {round}");
        }
    }
}

/// What was named to one session opens nothing of another.
//= security#S-17
//= type=test
#[test]
fn the_peer_of_one_session_is_a_stranger_to_another() {
    let site = Site::start(SITE2);
    let mut users = [site.user(), site.user()];
    for _ in 0..rounds(20, 500) {
        let peers = [SITE1, SITE1].map(peer::bound);
        let mut ports = Vec::new();
        for (number, user) in users.iter_mut().enumerate() {
            ports.push(site.at(user.lstn("R")));
            user.sock(peer::place(&peers[number]));
            user.ask(format!("STOR file{number}"), 150);
        }
        let [one, other] = [0, 1].map(|number| peer::place(&peers[number]));
        assert!(peer::is_rejected_at(one, ports[1]));
        assert!(peer::is_rejected_at(other, ports[0]));
        for (number, right) in peers.into_iter().enumerate() {
            let stream = peer::call_with(right, ports[number]).unwrap();
            peer::send_all(stream, format!("of {number}").as_bytes());
        }
        for (number, user) in users.iter_mut().enumerate() {
            user.expect(226);
            let stored = site.read(&format!("file{number}"));
            assert_eq!(stored, format!("of {number}").as_bytes());
        }
    }
}

/// Calls as often as one wait puts up with, offers bytes, and takes what there is.
/// What arrived of `secret`, at the server (`R`) or at the one who was named, while thieves called.
fn race(
    site: &Site,
    user: &mut User,
    (x, thieves): (SocketAddr, [&str; 3]),
    call: impl FnOnce() -> TcpStream,
    (direction, secret): (&str, &str),
) -> Vec<u8> {
    let begin = Barrier::new(thieves.len() + 1);
    let got = thread::scope(|scope| {
        for host in thieves {
            let begin = &begin;
            scope.spawn(move || steal(host, x, begin));
        }
        begin.wait();
        let got = exchange(call(), direction, secret);
        user.expect(226);
        // Thieves who came later still wait: now they are turned away.
        user.ask("ABOR", 226);
        got
    });
    match direction {
        "R" => site.read("stored"),
        _ => got,
    }
}

fn steal(host: &str, to: SocketAddr, begin: &Barrier) {
    begin.wait();
    for _ in 0..TRIES {
        // A port that is closed already, or a call that is reset at once, is a theft that failed.
        let Ok(mut stream) = peer::call_with(peer::bound(host), to) else {
            continue;
        };
        stream.write_all(b"stolen").ok();
        let mut loot = Vec::new();
        stream.read_to_end(&mut loot).ok();
        assert!(loot.is_empty(), "{host} was sent {} bytes", loot.len());
    }
}

fn exchange(stream: TcpStream, direction: &str, bytes: &str) -> Vec<u8> {
    if direction == "S" {
        return peer::receive_all(stream);
    }
    peer::send_all(stream, bytes.as_bytes());
    Vec::new()
}

/// Three thieves stay below the 32 callers that one wait turns away (spec S-52).
const TRIES: usize = 8;
