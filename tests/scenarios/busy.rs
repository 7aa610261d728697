//! What is served while a transfer runs or waits, and in which order. RFC 1123 section 4.1.3.3.

use std::io::Read;
use std::net::TcpStream;

use crate::support::peer;
use crate::support::site::{SITE2, Site, USER};
use crate::support::user::User;

#[test]
fn stat_tells_how_many_bytes_of_how_many_have_moved() {
    let site = Site::start(SITE2);
    let (mut user, mut stream) = sending(&site);
    stream.read_exact(&mut [0; 65_536]).unwrap();
    for _ in 0..3 {
        let raw = user.ask("STAT", 213).raw;
        let words: Vec<&str> = raw.trim_end().split(' ').collect();
        let ["213", "Status:", moved, "of", total, "bytes", "transferred"] = words[..] else {
            panic!("{raw}");
        };
        assert_eq!(total, LARGE.to_string());
        assert!((65_536..LARGE).contains(&moved.parse().unwrap()), "{raw}");
    }
    assert_eq!(peer::receive_all(stream).len(), LARGE - 65_536);
    user.expect(226);
}

#[test]
fn quit_waits_for_the_transfer() {
    let site = Site::start(SITE2);
    let (mut user, stream) = sending(&site);
    user.send("QUIT");
    assert_eq!(peer::receive_all(stream).len(), LARGE);
    user.expect(226);
    user.expect(221);
    assert!(user.is_closed());
    site.until_only(0, 0);
}

#[test]
fn abor_stops_a_transfer_that_moves_bytes() {
    let site = Site::start(SITE2);
    let (mut user, mut stream) = sending(&site);
    stream.read_exact(&mut [0; 1000]).unwrap();
    user.ask("ABOR", 426);
    user.expect(226);
    let mut rest = Vec::new();
    assert!(
        stream.read_to_end(&mut rest).is_err(),
        "a cut file must not look whole"
    );
    site.until_only(1, 0);
    user.ask("PWD", 257);
}

/// As clients send it: the last octet urgent (ftplib), or the Synch before the command (lftp).
//= security#S-41
//= type=test
#[test]
fn abor_may_come_as_urgent_data() {
    let site = Site::start(SITE2);
    for (urgent, plain) in [
        (&b"ABOR\r\n"[..], &b""[..]),
        (b"\xff\xf4\xff\xf2", b"ABOR\r\n"),
    ] {
        let (mut user, mut stream) = sending(&site);
        stream.read_exact(&mut [0; 1000]).unwrap();
        user.send_urgent(urgent);
        user.send_bytes(plain);
        user.expect(426);
        user.expect(226);
    }
}

#[test]
fn commands_in_one_segment_are_answered_in_order() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    user.send_bytes(b"NOOP\r\nPWD\r\nMKD made\r\nCWD made\r\nPWD\r\nXYZZY\r\nCDUP\r\nRMD made\r\n");
    for code in [200, 257, 257, 250, 257, 500, 250, 250] {
        user.expect(code);
    }
    // A command cut in two is one command.
    user.send_bytes(b"NO");
    user.send_bytes(b"OP\r");
    user.send_bytes(b"\nPWD\r\n");
    user.expect(200);
    user.expect(257);
}

#[test]
fn a_whole_session_may_be_said_at_once() {
    let site = Site::start(SITE2);
    let mut user = User::connected(USER, site.address);
    user.send_bytes(b"USER alice\r\nPASS secret\r\nTYPE I\r\nLSTN R\r\nQUIT\r\n");
    for code in [220, 331, 230, 200, 255, 221] {
        user.expect(code);
    }
    assert!(user.is_closed());
    site.until_only(0, 0);
}

//= security#S-57
//= type=test
#[test]
fn a_hundred_commands_wait_behind_a_transfer_and_are_all_answered() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    let x = user.lstn("R");
    user.ask("STOR stored", 150);
    user.send_bytes("NOOP\r\n".repeat(100).as_bytes());
    let mut other = site.user();
    other.ask("NOOP", 200);
    peer::send_all(peer::call(USER, site.at(x)), b"bytes");
    user.expect(226);
    for _ in 0..100 {
        user.expect(200);
    }
    user.ask("PWD", 257);
    assert_eq!(site.read("stored"), b"bytes");
}

#[test]
fn abor_answers_every_command_that_waits() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    user.lstn("R");
    user.ask("STOR one", 150);
    user.send("STOR two");
    user.send("NOOP");
    user.send("ABOR");
    for code in [426, 426, 426, 226] {
        user.expect(code);
    }
    user.ask("NOOP", 200);
    assert_eq!(site.names(), <[&str; 0]>::default());
}

/// A RETR whose peer has connected and reads when the test does.
fn sending(site: &Site) -> (User, TcpStream) {
    site.put("large", vec![42; LARGE]);
    let mut user = site.user();
    let x = user.lstn("S");
    let stream = peer::call(USER, site.at(x));
    user.ask("RETR large", 150);
    (user, stream)
}

/// More than the kernel's buffers hold.
const LARGE: usize = 32 << 20;
