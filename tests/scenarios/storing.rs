//! Whole or nothing: a file appears when all of it has arrived. Design D10.

use std::io::Write;
use std::net::TcpStream;

use crate::support::patience::until;
use crate::support::peer;
use crate::support::site::{SITE2, Site, USER};
use crate::support::user::User;

#[test]
fn a_stor_that_is_cut_leaves_the_old_file_and_no_partial_to_be_seen() {
    let site = Site::start(SITE2);
    site.put("file", "old content");
    for fresh in [false, true] {
        let name = if fresh { "new" } else { "file" };
        let (mut user, stream) = receiving(&site, &format!("STOR {name}"), &[7; 100_000]);
        peer::reset(stream);
        user.expect(426);
        assert_eq!(site.read("file"), b"old content");
        assert_eq!(site.names(), ["file"]);
        assert_eq!(listed(&site, &mut user), "file\r\n");
        user.ask("SIZE new", 550);
    }
}

#[test]
fn nothing_is_seen_of_a_file_while_it_comes() {
    let site = Site::start(SITE2);
    let (mut user, stream) = receiving(&site, "STOR file", b"all of it");
    let mut other = site.user();
    assert_eq!(listed(&site, &mut other), "");
    other.ask("SIZE file", 550);
    drop(stream);
    user.expect(226);
    assert_eq!(listed(&site, &mut other), "file\r\n");
    assert_eq!(site.read("file"), b"all of it");
}

#[test]
fn two_stors_of_one_name_leave_one_of_the_two_whole() {
    let site = Site::start(SITE2);
    let (one, two) = ([b'1'; 300_000], [b'2'; 200_000]);
    let (mut first, first_stream) = receiving(&site, "STOR file", &one);
    let mut second = site.user();
    let x = second.lstn("R");
    second.send("STOR file");
    let started = second.reply().code;
    if started == 150 {
        peer::send_all(peer::call(USER, site.at(x)), &two);
        second.expect(226);
        assert_eq!(site.read("file"), two);
    } else {
        assert_eq!(started, 450);
    }
    drop(first_stream);
    first.expect(226);
    assert_eq!(site.read("file"), one);
    assert_eq!(site.names(), ["file"]);
}

#[test]
fn an_appe_that_fails_leaves_the_old_file_exactly() {
    let site = Site::start(SITE2);
    for cut in [true, false] {
        site.put("file", "old content");
        let (mut user, stream) = receiving(&site, "APPE file", &[7; 100_000]);
        if cut {
            peer::reset(stream);
            user.expect(426);
        } else {
            user.ask("ABOR", 426);
            user.expect(226);
            drop(stream);
        }
        assert_eq!(site.read("file"), b"old content");
        assert_eq!(site.names(), ["file"]);
    }
}

#[test]
fn a_second_appe_to_a_file_is_told_to_come_later() {
    let site = Site::start(SITE2);
    site.put("file", "old, ");
    let (mut user, stream) = receiving(&site, "APPE file", b"first");
    let mut second = site.user();
    second.lstn("R");
    second.ask("APPE file", 450);
    drop(stream);
    user.expect(226);
    let x = second.lstn("R");
    peer::send_all(peer::call(USER, site.at(x)), b", second");
    second.ask("APPE file", 150);
    second.expect(226);
    assert_eq!(site.read("file"), b"old, first, second");
}

#[test]
fn a_stor_that_was_cut_goes_on_where_it_stopped() {
    let site = Site::start(SITE2);
    let whole: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let (mut user, stream) = receiving(&site, "STOR file", &whole[..120_000]);
    peer::reset(stream);
    user.expect(426);
    let facts = user.ask("MLST file", 250).raw;
    let (_, partial) = facts.split_once("X.partial=").unwrap();
    let offset: usize = partial.split(';').next().unwrap().parse().unwrap();
    assert!(offset <= 120_000, "{facts}");
    user.ask(format!("REST {offset}"), 350);
    let x = user.lstn("R");
    user.ask("STOR file", 150);
    peer::send_all(peer::call(USER, site.at(x)), &whole[offset..]);
    user.expect(226);
    assert_eq!(site.read("file"), whole);
    assert_eq!(site.names(), ["file"]);
}

#[test]
fn stou_tells_the_name_it_chose() {
    let site = Site::start(SITE2);
    site.put("file", "taken");
    let mut user = site.user();
    let x = user.lstn("R");
    let started = user.ask("STOU file", 150).raw;
    let name = started.trim_end().strip_prefix("150 FILE: ").unwrap();
    peer::send_all(peer::call(USER, site.at(x)), b"unique");
    user.expect(226);
    assert_eq!(site.read(name.trim_start_matches('/')), b"unique");
    assert_eq!(site.read("file"), b"taken");
}

/// A user whose transfer has received all of `bytes` and waits for more.
fn receiving(site: &Site, command: &str, bytes: &[u8]) -> (User, TcpStream) {
    let mut user = site.user();
    let x = user.lstn("R");
    user.ask(command, 150);
    let mut stream = peer::call(USER, site.at(x));
    stream.write_all(bytes).unwrap();
    let all = format!("213 Status: {} bytes transferred\r\n", bytes.len());
    until("all bytes received", || {
        (user.ask("STAT", 213).raw == all).then_some(())
    });
    (user, stream)
}

fn listed(site: &Site, user: &mut User) -> String {
    let x = user.lstn("S");
    let stream = peer::call(USER, site.at(x));
    user.ask("NLST", 150);
    let names = String::from_utf8(peer::receive_all(stream)).unwrap();
    user.expect(226);
    names
}
