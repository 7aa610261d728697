//! What no user-PI says: every line gets one reply, and nothing happens that was not asked.

use std::iter;

use crate::support::peer;
use crate::support::site::{SITE2, Site, USER};
use crate::support::user::User;

//= security#S-57
//= type=test
#[test]
fn a_line_too_long_gets_500_and_the_session_goes_on() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    for length in [4097, 5000, 100_000] {
        user.ask("A".repeat(length), 500);
        user.ask("NOOP", 200);
    }
    // The longest line there is, with a name that is too long for any file.
    user.ask(format!("SIZE {}", "a".repeat(4096 - 5)), 553);
    // Two of them in one go are two lines.
    user.send_bytes(format!("{}\r\nNOOP\r\n", "B".repeat(9000)).as_bytes());
    user.expect(500);
    user.expect(200);
}

//= security#S-46
//= type=test
#[test]
fn a_bare_lf_hides_no_second_command() {
    let site = Site::start(SITE2);
    site.put("victim", "here");
    let mut user = site.user();
    for hidden in [
        &b"NOOP\nDELE victim\r\n"[..],
        b"CWD x\nDELE victim\r\n",
        b"SIZE x\n\nDELE victim\r\n",
        b"\nDELE victim\r\n",
        b"NOOP\0\r\n",
    ] {
        user.send_bytes(hidden);
        user.expect(501);
        user.ask("NOOP", 200);
    }
    // A CR alone does not end a line either.
    user.send_bytes(b"SIZE x\rDELE victim\r\n");
    assert_eq!(user.reply().code / 100, 5);
    user.ask("NOOP", 200);
    assert_eq!(site.read("victim"), b"here");
}

#[test]
fn binary_junk_gets_an_error_and_the_session_goes_on() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    let junk: Vec<u8> = (0x80..=0xfe)
        .chain(1..=9)
        .chain(b" \x0b\x0c\x0e".iter().copied())
        .collect();
    for tail in [
        &junk[..],
        &junk[60..],
        b"\x80 \x81",
        b"RETR\xa0x",
        b"",
        b" ",
        b" NOOP",
    ] {
        let line: Vec<u8> = tail.iter().copied().chain(*b"\r\n").collect();
        user.send_bytes(&line);
        let reply = user.reply();
        assert!([500, 501].contains(&reply.code), "{tail:?}: {}", reply.raw);
        user.ask("NOOP", 200);
    }
    user.send_bytes(b"RETR \xff\xff\xfe\r\n");
    user.expect(553);
    user.send_bytes(b"USER \xfe\xfe\r\n");
    user.expect(501);
}

#[test]
fn unknown_verbs_and_bad_arguments_get_their_code() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    for (command, code) in [
        ("XYZZY", 500),
        ("GIVE file", 500),
        ("NOOPE", 500),
        ("SMNT x", 502),
        ("TYPE X", 504),
        ("TYPE", 501),
        ("MODE C", 504),
        ("STRU P", 504),
        ("PORT 1,2,3,4,5", 501),
        ("PORT 1,2,3,4,5,256", 501),
        ("EPRT |3|127.0.0.1|5000|", 522),
        ("EPRT 1", 501),
        ("REST -1", 501),
        ("REST x", 501),
        ("RETR", 501),
        ("OPTS NONSENSE", 501),
        ("NOOP x", 501),
    ] {
        user.ask(command, code);
        user.ask("NOOP", 200);
    }
}

#[test]
fn commands_out_of_order_get_503_or_530() {
    let site = Site::start(SITE2);
    let mut user = User::greeted(USER, site.address);
    for command in ["RETR x", "PWD", "LSTN R", "STAT", "PASV"] {
        user.ask(command, 530);
    }
    user.ask("PASS secret", 503);
    user.ask("USER alice", 331);
    user.ask("CWD x", 530);
    user.ask("PASS secret", 503);
    user.log_in("alice");
    user.ask("RNTO x", 503);
    user.ask("RETR x", 425);
    user.ask("ABOR", 226);
    user.ask("REST 1", 350);
    user.ask("STOU", 503);
    // A user who logs in anew has arranged nothing.
    let x = user.lstn("R");
    user.ask("USER bob", 331);
    assert!(peer::is_refused(site.at(x)));
    user.ask("STOR x", 530);
    site.until_only(1, 0);
}

//= security#S-41
//= type=test
//= security#S-43
//= type=test
#[test]
fn telnet_commands_are_taken_out_octet_by_octet() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    let (iac, ip, dm, doo, dont, will, wont) = (255, 244, 242, 253, 254, 251, 252);
    // The Synch that RFC 959 sends before ABOR, and options in the middle of a word.
    octet_by_octet(&mut user, &[&[iac, ip, iac, dm][..], b"ABOR\r\n"].concat());
    user.expect(226);
    octet_by_octet(&mut user, &[b"NO", &[iac, doo, 1][..], b"OP\r\n"].concat());
    assert_eq!(user.bytes(), [iac, wont, 1]);
    user.expect(200);
    octet_by_octet(
        &mut user,
        &[b"NOOP", &[iac, will, 31][..], b"\r", b"\n"].concat(),
    );
    assert_eq!(user.bytes(), [iac, dont, 31]);
    user.expect(200);
    octet_by_octet(
        &mut user,
        &[&[iac, wont, 1, iac, dont, 3][..], b"NOOP\r\n"].concat(),
    );
    user.expect(200);
    octet_by_octet(
        &mut user,
        &[&[iac, 250, 24, 1, iac, 240][..], b"NOOP\r\n"].concat(),
    );
    user.expect(200);
}

//= security#S-40
//= type=test
#[test]
fn who_plays_with_telnet_options_is_shown_the_door() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    let endless: Vec<u8> = iter::repeat_n([255, 253, 1], 40).flatten().collect();
    user.send_bytes(&endless);
    site.until_only(0, 0);
}

//= security#S-38
//= type=test
//= security#S-57
//= type=test
#[test]
fn another_protocol_and_endless_junk_are_told_421() {
    let site = Site::start(SITE2);
    for line in [
        "GET / HTTP/1.1",
        "POST / HTTP/1.1",
        "HELO x",
        "EHLO x",
        "Host: x",
    ] {
        let mut browser = User::greeted(USER, site.address);
        browser.send_bytes(format!("{line}\r\nNOOP\r\n\r\n").as_bytes());
        browser.expect(421);
        assert!(browser.is_closed(), "{line}");
    }
    let mut stranger = User::greeted(USER, site.address);
    for code in [500, 500, 421] {
        stranger.ask("XYZZY", code);
    }
    assert!(stranger.is_closed());
    let mut junk = site.user();
    for _ in 0..9 {
        junk.ask("XYZZY", 500);
    }
    junk.ask("XYZZY", 421);
    assert!(junk.is_closed());
    site.until_only(0, 0);
}

fn octet_by_octet(user: &mut User, octets: &[u8]) {
    for octet in octets {
        user.send_bytes(&[*octet]);
    }
}
