//! RFC 438's example between two servers: LSTN, SOCK, SOCK, then both transfer commands.

use std::net::TcpListener;

use crate::support::patience::until_true;
use crate::support::peer;
use crate::support::site::{SITE1, SITE2, Site, USER};
use crate::support::user::User;

/// Two servers, and a user logged in to both.
struct Example {
    site1: Site,
    site2: Site,
    to1: User,
    to2: User,
}

impl Example {
    fn new() -> Self {
        let (site1, site2) = (Site::start(SITE1), Site::start(SITE2));
        let (to1, to2) = (site1.user(), site2.user());
        site1.put("PROG1.PL1", PROG1);
        site2.put("PROG2.PL1", PROG2);
        Self {
            site1,
            site2,
            to1,
            to2,
        }
    }

    /// Steps 1 to 3, SITE2 listening; tells X and Y.
    fn arrange(&mut self) -> (u16, u16) {
        let x = self.to2.lstn("R");
        let y = self.to1.sock(self.site2.at(x));
        assert_eq!(self.to2.sock(self.site1.at(y)), x);
        (x, y)
    }

    fn completed(&mut self) {
        self.to1.expect(226);
        self.to2.expect(226);
        assert_eq!(self.site1.read("PROG1.PL1"), PROG1);
        assert_eq!(self.site2.read("PROG2.PL1"), [PROG2, PROG1].concat());
    }
}

//= spec#T-5
//= rfc438#example.1
//= type=test
//# LSTN R CRLF
//# (let X = socket
//# allocated)
#[test]
fn step_1_reserves_x_and_lets_nobody_else_have_it() {
    let mut example = Example::new();
    let (x, _) = example.arrange();
    assert_eq!(x % 2, 0);
    assert_eq!(example.site2.server.ports_reserved(), 1);
}

//= spec#T-4
//= rfc438#example.2
//= type=test
//# SOCK SITE2,X CRLF
//# (let Y = socket in 255
//# reply from SITE1)
#[test]
fn step_2_tells_y_before_any_transfer_command_and_y_calls() {
    let mut example = Example::new();
    let (x, y) = example.arrange();
    assert_eq!(example.site1.network.calls(), []);
    example.to1.ask("RETR PROG1.PL1", 150);
    example.to2.ask("APPE PROG2.PL1", 150);
    example.completed();
    let from = Some(example.site1.at(y));
    assert_eq!(example.site1.network.calls(), [(from, example.site2.at(x))]);
}

//= rfc438#example.3
//= type=test
//# SOCK SITE1,Y CRLF
//
//= rfc438#c
//= type=test
//# accept an RFC for the
//# listening socket only if it is from a specified host and socket
#[test]
fn step_3_lets_only_y_of_site1_in() {
    let mut example = Example::new();
    let (x, _) = example.arrange();
    // The same host from another socket, and the user itself: neither is (SITE1, Y).
    let mut thieves = [SITE1, USER].map(|host| peer::call(host, example.site2.at(x)));
    example.to2.ask("APPE PROG2.PL1", 150);
    for thief in &mut thieves {
        assert!(peer::is_reset_unread(thief));
    }
    example.to1.ask("RETR PROG1.PL1", 150);
    example.completed();
}

//= spec#T-5
//= rfc438#example.4
//= type=test
//# RETR PROG1.PL1                   APPE PROG2.Pl1 CRLF
#[test]
fn step_4_may_be_said_in_either_order() {
    let mut source_first = Example::new();
    source_first.arrange();
    source_first.to1.send("RETR PROG1.PL1");
    source_first.to2.send("APPE PROG2.PL1");
    source_first.to1.expect(150);
    source_first.to2.expect(150);
    source_first.completed();

    let mut destination_first = Example::new();
    destination_first.arrange();
    destination_first.to2.send("APPE PROG2.PL1");
    destination_first.to1.send("RETR PROG1.PL1");
    destination_first.to2.expect(150);
    destination_first.to1.expect(150);
    destination_first.completed();
}

//= spec#T-5
#[test]
fn the_source_may_be_told_long_before_the_destination() {
    let mut example = Example::new();
    example.arrange();
    example.to1.ask("RETR PROG1.PL1", 150);
    example.site1.until_called(1);
    // It has called and waits in the backlog: not a byte is taken before the transfer command.
    until_true("bytes on their way", || moved(&mut example.to1) > 0);
    assert_eq!(example.site2.read("PROG2.PL1"), PROG2);
    example.to2.ask("APPE PROG2.PL1", 150);
    // What STAT was told stands before the 226.
    example.completed();
}

//= spec#T-5
//= rfc438#b
//= type=test
//# Data transfer may proceed after the
//# server receives an RFC for the socket
#[test]
fn the_destination_may_be_told_long_before_the_source() {
    let mut example = Example::new();
    example.arrange();
    example.to2.ask("APPE PROG2.PL1", 150);
    for _ in 0..50 {
        assert_eq!(moved(&mut example.to2), 0);
    }
    assert_eq!(example.site2.read("PROG2.PL1"), PROG2);
    assert_eq!(example.site1.network.calls(), []);
    example.to1.ask("RETR PROG1.PL1", 150);
    example.completed();
}

/// 3.7 reversed: the source listens and the destination calls.
//= spec#T-5
//= rfc438#b
//= type=test
//# Receipt of an appropriate STOR, RETR or APPE command following a
//# successful LSTN command causes the server to "listen"
#[test]
fn the_source_may_be_the_one_that_listens() {
    for verb in ["APPE", "STOR"] {
        let mut example = Example::new();
        let x = example.to1.lstn("S");
        let y = example.to2.sock(example.site1.at(x));
        assert_eq!(example.to1.sock(example.site2.at(y)), x);
        example.to2.ask(format!("{verb} PROG2.PL1"), 150);
        example.to1.ask("RETR PROG1.PL1", 150);
        example.to1.expect(226);
        example.to2.expect(226);
        let kept: &[u8] = if verb == "APPE" { PROG2 } else { b"" };
        assert_eq!(example.site2.read("PROG2.PL1"), [kept, PROG1].concat());
        let from = Some(example.site2.at(y));
        assert_eq!(example.site2.network.calls(), [(from, example.site1.at(x))]);
    }
}

/// Both servers at the one address that every IPv6 host has.
#[test]
fn the_example_runs_over_ipv6() {
    if TcpListener::bind((IPV6, 0)).is_err() {
        println!("left out: there is no IPv6 here");
        return;
    }
    let (site1, site2) = (Site::start(IPV6), Site::start(IPV6));
    site1.put("PROG1.PL1", PROG1);
    site2.put("PROG2.PL1", PROG2);
    let (mut to1, mut to2) = (site1.user_at(IPV6), site2.user_at(IPV6));
    to2.ask("LSTN R 1", 522);
    to2.ask("PASV", 425);
    let x = to2.ask("LSTN R 2", 255).socket();
    to1.ask("SOCK 127.0.0.1,5000", 522);
    let y = to1.sock(site2.at(x));
    to2.sock(site1.at(y));
    to1.ask("RETR PROG1.PL1", 150);
    to2.ask("APPE PROG2.PL1", 150);
    to1.expect(226);
    to2.expect(226);
    assert_eq!(site2.read("PROG2.PL1"), [PROG2, PROG1].concat());
    assert_eq!(site1.network.calls(), [(Some(site1.at(y)), site2.at(x))]);
}

//= spec#T-9
#[test]
fn a_transfer_in_the_other_direction_is_refused_and_x_stays() {
    let site = Site::start(SITE2);
    site.put("there", "old");
    for (direction, wrong, right) in [
        ("R", ["RETR there", "LIST", "MLSD"], "STOR new"),
        ("S", ["STOR new", "APPE there", "STOU"], "RETR there"),
    ] {
        let mut user = site.user();
        let x = user.lstn(direction);
        for wrong in wrong {
            user.ask(wrong, 503);
        }
        let stream = peer::call(USER, site.at(x));
        user.ask(right, 150);
        if direction == "R" {
            peer::send_all(stream, b"sent");
        } else {
            assert_eq!(peer::receive_all(stream), b"old");
        }
        user.expect(226);
    }
    assert_eq!(site.read("new"), b"sent");
    assert_eq!(site.read("there"), b"old");
}

/// What STAT says has been moved.
fn moved(user: &mut User) -> u64 {
    let raw = user.ask("STAT", 213).raw;
    let number = raw.strip_prefix("213 Status: ").unwrap();
    number.split(' ').next().unwrap().parse().unwrap()
}

const IPV6: &str = "::1";
const PROG1: &[u8] = b"PUT LIST ('of SITE1');\r\n";
const PROG2: &[u8] = b"PUT LIST ('of SITE2');\r\n";
