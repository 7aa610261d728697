//! Arrangements that fail: nobody calls, too early, too late, aborted. Spec 3.8.

use std::io::Write;
use std::time::{Duration, Instant};

use thirdhost_server::config::Config;

use crate::support::patience::within;
use crate::support::peer;
use crate::support::site::{SITE1, SITE2, Site, USER};
use crate::support::user::End;

//= spec#T-12
#[test]
fn what_came_for_a_refused_transfer_is_in_no_later_file() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    let x = site.at(user.lstn("R"));
    let right = peer::bound(SITE1);
    let y = peer::place(&right);
    user.sock(y);
    let mut stale = peer::call_with(right, x).unwrap();
    stale.write_all(b"stale").unwrap();
    stale.shutdown(std::net::Shutdown::Write).unwrap();
    user.ask("STOR no/such/directory", 550);
    assert!(peer::is_reset_unread(&mut stale));
    drop(stale);
    assert!(peer::is_refused(x));
    user.ask("STOR stored", 425);

    let x = site.at(user.lstn("R"));
    user.sock(y);
    user.ask("STOR stored", 150);
    peer::send_all(peer::call_from(y, x), b"good");
    user.expect(226);
    assert_eq!(site.read("stored"), b"good");
}

//= spec#T-13
//= security#S-51
//= type=test
#[test]
fn x_is_closed_within_a_second_of_the_control_connection() {
    let site = Site::start(SITE2);
    for (end, waits) in [
        (End::Close, true),
        (End::Reset, true),
        (End::Close, false),
        (End::Reset, false),
    ] {
        let mut user = site.user();
        let x = site.at(user.lstn("R"));
        if waits {
            user.ask("STOR stored", 150);
        }
        user.vanish(end);
        let what = format!("X refuses after {end:?}, waiting {waits}");
        within(Duration::from_secs(1), &what, || {
            peer::is_refused(x).then_some(())
        });
        site.until_only(0, 0);
    }
    assert_eq!(site.names(), <[&str; 0]>::default());
}

//= spec#T-14
#[test]
fn abor_ends_a_wait_with_426_and_226_and_closes_x() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    let x = site.at(user.lstn("R"));
    user.sock_host(peer::ip(SITE1), 5000);
    user.ask("STOR stored", 150);
    user.ask("ABOR", 426);
    user.expect(226);
    assert!(peer::is_refused(x));
    assert_eq!(site.server.ports_reserved(), 0);
    assert_eq!(site.names(), <[&str; 0]>::default());
    user.ask("STOR stored", 425);
}

/// The calling side waits too, for a peer that refuses and refuses.
//= spec#T-14
#[test]
fn abor_ends_the_repeating_of_a_refused_call() {
    let site = Site::start(SITE1);
    site.put("there", "bytes");
    let mut user = site.user();
    let silent = peer::bound(SITE2);
    user.sock(peer::place(&silent));
    user.ask("RETR there", 150);
    site.until_called(2);
    user.ask("ABOR", 426);
    user.expect(226);
    site.until_only(1, 0);
}

//= spec#T-15
//= spec#T-25
#[test]
fn when_nobody_connects_the_transfer_ends_in_time_and_the_old_file_stays() {
    let patience = Duration::from_millis(300);
    let short = |config: &mut Config| config.data_sockets.accept = patience;
    let site = Site::configured(SITE2, short);
    site.put("old", "old content");
    for command in ["STOR old", "APPE old", "RETR old"] {
        let mut user = site.user();
        let x = user.lstn(if command == "RETR old" { "S" } else { "R" });
        let began = Instant::now();
        user.ask(command, 150);
        user.expect(425);
        let waited = began.elapsed();
        assert!(waited >= patience, "{command}: {waited:?}");
        assert!(
            waited < patience + Duration::from_secs(2),
            "{command}: {waited:?}"
        );
        assert!(peer::is_refused(site.at(x)), "{command}");
        assert_eq!(site.read("old"), b"old content");
    }
    assert_eq!(site.names(), ["old"]);
    assert_eq!(site.server.ports_reserved(), 0);
}

//= spec#T-15
#[test]
fn when_nobody_listens_the_call_ends_in_time() {
    let patience = Duration::from_millis(300);
    let short = |config: &mut Config| config.data_sockets.accept = patience;
    let site = Site::configured(SITE1, short);
    site.put("there", "bytes");
    let mut user = site.user();
    let silent = peer::bound(SITE2);
    user.sock(peer::place(&silent));
    let began = Instant::now();
    user.ask("RETR there", 150);
    user.expect(425);
    let waited = began.elapsed();
    assert!(
        waited >= patience && waited < patience + Duration::from_secs(2),
        "{waited:?}"
    );
    assert_eq!(site.server.ports_reserved(), 0);
}

/// A peer that binds at LSTN and listens only when the transfer command comes (A-1, first way).
//= spec#T-16
#[test]
fn a_call_that_is_refused_at_first_is_repeated_until_the_listener_listens() {
    let site = Site::start(SITE1);
    site.put("there", "bytes");
    let mut user = site.user();
    let late = peer::bound(SITE2);
    let x = peer::place(&late);
    let y = user.sock(x);
    user.ask("RETR there", 150);
    site.until_called(3);
    late.listen(1).unwrap();
    let stream = peer::accept(&{
        late.set_nonblocking(true).unwrap();
        late.into()
    });
    assert_eq!(stream.peer_addr().unwrap(), site.at(y));
    assert_eq!(peer::receive_all(stream), b"bytes");
    user.expect(226);
    let calls = site.network.calls();
    assert!(
        calls.iter().all(|call| *call == (Some(site.at(y)), x)),
        "{calls:?}"
    );
}

/// The pinned peer connects and says nothing: other sessions do not notice, ABOR ends it.
#[test]
fn a_silent_peer_holds_up_its_own_transfer_alone() {
    let site = Site::start(SITE2);
    site.put("there", "bytes");
    let mut user = site.user();
    let x = site.at(user.lstn("R"));
    let mut silent = peer::call(USER, x);
    user.ask("STOR stored", 150);
    let mut other = site.user();
    let passive = other.pasv();
    let stream = peer::call(USER, passive);
    other.ask("RETR there", 150);
    assert_eq!(peer::receive_all(stream), b"bytes");
    other.expect(226);
    assert!(user.ask("STAT", 213).raw.starts_with("213 Status: 0 bytes"));
    user.ask("ABOR", 426);
    user.expect(226);
    assert!(peer::is_reset_unread(&mut silent));
    assert_eq!(site.names(), ["there"]);
    site.until_only(2, 0);
}

/// The user-PI's rule U-4 rests on it: a missing source is told before anything is called.
//= spec#T-25
//= security#S-4
//= type=test
#[test]
fn retr_of_a_missing_file_is_refused_at_once_and_calls_nobody() {
    let (source, destination) = (Site::start(SITE1), Site::start(SITE2));
    destination.put("PROG2.PL1", "old");
    let (mut from, mut to) = (source.user(), destination.user());
    let x = to.lstn("R");
    let y = from.sock(destination.at(x));
    to.sock(source.at(y));
    from.ask("RETR missing", 550);
    assert_eq!(source.network.calls(), []);
    assert_eq!(source.server.ports_reserved(), 0);
    to.ask("ABOR", 226);
    assert_eq!(destination.read("PROG2.PL1"), b"old");
}

/// Spec 3.8: the destination refuses, the source may be connected already.
#[test]
fn a_destination_that_refuses_lets_the_source_know() {
    let (source, destination) = (Site::start(SITE1), Site::start(SITE2));
    source.put("large", vec![7; 8 << 20]);
    let (mut from, mut to) = (source.user(), destination.user());
    let x = to.lstn("R");
    let y = from.sock(destination.at(x));
    to.sock(source.at(y));
    from.ask("RETR large", 150);
    source.until_called(1);
    to.ask("STOR no/such/directory", 550);
    let code = from.reply().code;
    assert!([425, 426].contains(&code), "{code}");
    source.until_only(1, 0);
    destination.until_only(1, 0);
}
