//! One arrangement serves every transfer that follows it. RFC 438 clause d.2, spec A-9.

use std::io::Write;
use std::net::TcpStream;

use crate::support::peer;
use crate::support::site::{SITE1, SITE2, Site, USER};

//= spec#T-11
//= rfc438#d.2
//= type=test
//# specification of the acceptable RFC for
//# subsequent data transfer command that use the allocated socket
#[test]
fn two_files_in_stream_mode_go_from_the_same_y_to_the_same_x() {
    let (source, destination) = (Site::start(SITE1), Site::start(SITE2));
    source.put("one", "first");
    source.put("two", "second");
    let (mut from, mut to) = (source.user(), destination.user());
    let x = to.lstn("R");
    let y = from.sock(destination.at(x));
    to.sock(source.at(y));
    for name in ["one", "two"] {
        from.ask(format!("RETR {name}"), 150);
        to.ask(format!("STOR {name}"), 150);
        from.expect(226);
        to.expect(226);
    }
    assert_eq!(destination.read("one"), b"first");
    assert_eq!(destination.read("two"), b"second");
    let called: Vec<_> = source.network.calls();
    let call = (Some(source.at(y)), destination.at(x));
    assert!(
        called.len() >= 2 && called.iter().all(|c| *c == call),
        "{called:?}"
    );
    // The filter stands for the second file as for the first.
    let mut thief = peer::call(SITE1, destination.at(x));
    to.ask("STOR three", 150);
    assert!(peer::is_reset_unread(&mut thief));
    to.ask("ABOR", 426);
    to.expect(226);
}

//= spec#T-11
//= rfc438#b
//= type=test
//# Once established, a data connection corresponding to a
//# successful LSTN command has the same duration as one established
//# in the usual way.
#[test]
fn files_in_block_mode_share_one_connection() {
    let (source, destination) = (Site::start(SITE1), Site::start(SITE2));
    let (mut from, mut to) = (source.user(), destination.user());
    from.ask("MODE B", 200);
    to.ask("MODE B", 200);
    let x = to.lstn("R");
    let y = from.sock(destination.at(x));
    to.sock(source.at(y));
    for (number, name) in ["one", "two", "three"].into_iter().enumerate() {
        let bytes = vec![b'a' + number as u8; 100_000 * number];
        source.put(name, &bytes);
        let started = if number == 0 { 150 } else { 125 };
        from.ask(format!("RETR {name}"), started);
        to.ask(format!("STOR {name}"), started);
        from.expect(250);
        to.expect(250);
        assert_eq!(destination.read(name), bytes);
    }
    assert_eq!(source.network.calls().len(), 1);
}

/// A peer that speaks blocks itself: header, octets, and the end of the file in a descriptor.
//= spec#T-11
#[test]
fn two_stors_in_block_mode_come_over_the_one_connection_of_a_pinned_peer() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    user.ask("MODE B", 200);
    let x = user.lstn("R");
    let socket = peer::bound(SITE1);
    user.sock(peer::place(&socket));
    let mut stream = peer::call_with(socket, site.at(x)).unwrap();
    for (name, bytes, started) in [("one", "first", 150), ("two", "second", 125)] {
        user.ask(format!("STOR {name}"), started);
        block(&mut stream, 0, bytes.as_bytes());
        block(&mut stream, END_OF_FILE, b"");
        user.expect(250);
        assert_eq!(site.read(name), bytes.as_bytes());
    }
    // Without the end of the file there is none: the connection breaks instead.
    user.ask("STOR three", 125);
    block(&mut stream, 0, b"half");
    drop(stream);
    user.expect(426);
    assert_eq!(site.names(), ["one", "two"]);
}

/// D-12 and D-13: who came meanwhile was not invited.
//= spec#T-12
#[test]
fn a_caller_that_waited_behind_a_good_transfer_is_not_taken_for_the_next() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    let x = user.lstn("R");
    let good = peer::call(USER, site.at(x));
    let mut stale = peer::call(USER, site.at(x));
    stale.write_all(b"stale").unwrap();
    user.ask("STOR one", 150);
    peer::send_all(good, b"good");
    user.expect(226);
    assert!(peer::is_reset_unread(&mut stale));
    user.send("STOR two");
    user.expect(150);
    peer::send_all(peer::call(USER, site.at(x)), b"also good");
    user.expect(226);
    assert_eq!(site.read("one"), b"good");
    assert_eq!(site.read("two"), b"also good");
}

fn block(stream: &mut TcpStream, descriptor: u8, octets: &[u8]) {
    let [high, low] = u16::try_from(octets.len()).unwrap().to_be_bytes();
    stream.write_all(&[descriptor, high, low]).unwrap();
    stream.write_all(octets).unwrap();
}

/// RFC 959 section 3.4.2.
const END_OF_FILE: u8 = 64;
