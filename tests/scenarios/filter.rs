//! Who may call the socket that LSTN or PASV reserved. RFC 438 clause c.

use std::io::Write;

use thirdhost_proto::server::Unpinned;

use crate::support::peer;
use crate::support::site::{SITE1, SITE2, STRANGER, Site, USER};

//= spec#T-6
//= rfc438#c
//= type=test
//# accept an RFC for the
//# listening socket only if it is from a specified host and socket
//= security#S-18
//= type=test
//= security#S-19
//= type=test
#[test]
fn a_wrong_port_and_a_wrong_host_are_reset_and_the_right_one_still_works() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    let x = site.at(user.lstn("R"));
    let right = peer::bound(SITE1);
    user.sock(peer::place(&right));
    // Before the transfer command and after it; another host may even have the same port.
    let mut early = [SITE1, STRANGER, USER].map(|host| peer::call(host, x));
    for thief in &mut early {
        thief.write_all(b"stolen").unwrap();
    }
    user.ask("STOR stored", 150);
    let same_port = (peer::ip(STRANGER), peer::place(&right).port()).into();
    for thief in &mut early {
        assert!(peer::is_reset_unread(thief), "{:?}", thief.local_addr());
    }
    assert!(peer::is_rejected(SITE1, x));
    assert!(peer::is_rejected_at(same_port, x));
    peer::send_all(peer::call_with(right, x).unwrap(), b"PROG");
    user.expect(226);
    assert_eq!(site.read("stored"), b"PROG");
}

//= spec#T-7
//= security#S-13
//= type=test
//= security#S-68
//= type=test
#[test]
fn socket_0_lets_any_port_of_the_host_in_and_no_other_host() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    let x = user.lstn("R");
    assert_eq!(user.sock_host(peer::ip(SITE1), 0), x);
    for name in ["one", "two"] {
        let mut thieves = [STRANGER, USER].map(|host| peer::call(host, site.at(x)));
        user.ask(format!("STOR {name}"), 150);
        for thief in &mut thieves {
            assert!(peer::is_reset_unread(thief));
        }
        peer::send_all(peer::call(SITE1, site.at(x)), name.as_bytes());
        user.expect(226);
        assert_eq!(site.read(name), name.as_bytes());
    }
}

//= spec#T-8
//= security#S-18
//= type=test
#[test]
fn without_sock_only_the_host_of_the_control_connection_gets_in() {
    let site = Site::start(SITE2);
    let mut user = site.user_at(STRANGER);
    let x = site.at(user.lstn("R"));
    let mut thieves = [SITE1, USER].map(|host| peer::call(host, x));
    user.ask("STOR stored", 150);
    for thief in &mut thieves {
        assert!(peer::is_reset_unread(thief));
    }
    peer::send_all(peer::call(STRANGER, x), b"own");
    user.expect(226);
    assert_eq!(site.read("stored"), b"own");
}

//= spec#T-8
//= security#S-10
//= type=test
//= security#S-13
//= type=test
#[test]
fn an_operator_may_let_everyone_in_whom_policy_admits() {
    let any = |config: &mut thirdhost_server::config::Config| {
        config.data_sockets.unpinned = Unpinned::Any;
    };
    let site = Site::configured(SITE2, any);
    let mut user = site.user();
    let x = site.at(user.lstn("R"));
    user.ask("STOR stored", 150);
    peer::send_all(peer::call(SITE1, x), b"third");
    user.expect(226);
    assert_eq!(site.read("stored"), b"third");
    let passive = user.pasv();
    user.ask("STOR passive", 150);
    peer::send_all(peer::call(SITE1, passive), b"third");
    user.expect(226);

    // bob has no grant: the same filter, and policy does not admit the third host.
    let mut bob = site.user_of("bob");
    let x = site.at(bob.lstn("R"));
    bob.ask("STOR bobs", 150);
    assert!(peer::is_rejected(SITE1, x));
    peer::send_all(peer::call(USER, x), b"own");
    bob.expect(226);
    assert_eq!(site.read("bobs"), b"own");
}

//= spec#T-8
#[test]
fn an_operator_may_want_a_sock_first() {
    let site = Site::configured(SITE2, |config| {
        config.data_sockets.unpinned = Unpinned::Refuse;
    });
    let mut user = site.user();
    let x = user.lstn("R");
    user.ask("STOR stored", 503);
    let right = peer::bound(SITE1);
    assert_eq!(user.sock(peer::place(&right)), x);
    user.ask("STOR stored", 150);
    peer::send_all(peer::call_with(right, site.at(x)).unwrap(), b"PROG");
    user.expect(226);
    assert_eq!(site.read("stored"), b"PROG");
    // PASV is for clients that know no SOCK.
    let passive = user.pasv();
    user.ask("STOR passive", 150);
    peer::send_all(peer::call(USER, passive), b"own");
    user.expect(226);
}

//= spec#T-21
#[test]
fn sock_after_pasv_lets_a_third_host_in_which_may_not_before() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    let passive = user.pasv();
    user.ask("STOR stored", 150);
    assert!(peer::is_rejected(SITE1, passive));
    user.ask("ABOR", 426);
    user.expect(226);

    let passive = user.pasv();
    let x = user.sock_host(peer::ip(SITE1), 0);
    assert_eq!(x, passive.port());
    let mut control_host = peer::call(USER, passive);
    user.ask("STOR stored", 150);
    assert!(peer::is_reset_unread(&mut control_host));
    peer::send_all(peer::call(SITE1, passive), b"third");
    user.expect(226);
    assert_eq!(site.read("stored"), b"third");
}

/// Spec A-6: RFC 478 has PASV look at "previous SOCK commands".
//= spec#T-21
#[test]
fn sock_before_pasv_is_kept_as_its_filter() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    let right = peer::bound(SITE1);
    user.sock(peer::place(&right));
    let passive = user.pasv();
    user.ask("STOR stored", 150);
    for host in [SITE1, USER] {
        assert!(peer::is_rejected(host, passive));
    }
    peer::send_all(peer::call_with(right, passive).unwrap(), b"third");
    user.expect(226);
    assert_eq!(site.read("stored"), b"third");
}
