//! LSTN and SOCK reserve: which number is told, when it is refused, when it is given back.

use socket2::{Domain, Socket, Type};

use crate::support::network::WatchedNetwork;
use crate::support::patience::until_true;
use crate::support::peer;
use crate::support::site::{SITE1, SITE2, Site, USER};
use crate::support::user::User;

//= spec#T-1
//= rfc438#a.2
//= type=test
//# sending the user the number of the socket allocated
#[test]
fn lstn_tells_a_socket_of_the_parity_that_its_direction_had() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    for (command, parity) in [("LSTN R", 0), ("lstn s", 1), ("LSTN s", 1), ("lstn r", 0)] {
        let x = user.ask(command, 255).socket();
        assert!(x >= 1024 && x % 2 == parity, "{command}: {x}");
        assert!(!peer::is_refused(site.at(x)), "{command}: {x}");
    }
}

//= rfc438#a
//= type=test
//# The LSTN (Listen) command requests the FTP server to allocate a
//# socket for use as a data connection.
//= security#S-17
//= type=test
#[test]
fn each_session_gets_a_socket_of_its_own() {
    let site = Site::start(SITE2);
    let mut users: Vec<User> = (0..20).map(|_| site.user()).collect();
    let mut sockets: Vec<u16> = users.iter_mut().map(|user| user.lstn("R")).collect();
    sockets.sort_unstable();
    sockets.dedup();
    assert_eq!(sockets.len(), users.len());
    assert_eq!(site.server.ports_reserved(), users.len());
    drop(users);
    site.until_only(0, 0);
}

//= rfc438#a.1
//= type=test
//# refusing to allocate such a socket
#[test]
fn lstn_is_refused_while_no_port_is_free_and_served_when_one_is() {
    let site = Site::configured(SITE2, |config| {
        let free = peer::listen(SITE2).local_addr().unwrap().port();
        config.data_sockets.ports = free..=free;
    });
    let mut first = site.user();
    let x = first.lstn("R");
    let mut second = site.user();
    second.ask("LSTN R", 425);
    second.ask("PASV", 425);
    second.ask("NOOP", 200);
    first.ask("REIN", 220);
    assert_eq!(second.lstn("S"), x);
    assert_eq!(site.server.ports_reserved(), 1);
}

//= spec#T-2
#[test]
fn a_wrong_lstn_is_refused_and_changes_nothing() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    let x = user.lstn("R");
    let plan = user.ask("STAT", 211).raw;
    let cases = [
        ("LSTN", 501),
        ("LSTN X", 501),
        ("LSTN R S", 501),
        ("LSTN R 3", 522),
        ("LSTN RS", 501),
        ("LSTN R 1 1", 501),
    ];
    for (command, code) in cases {
        let reply = user.ask(command, code).raw;
        assert!(code != 522 || reply.contains("(1"), "{reply}");
        assert_eq!(user.ask("STAT", 211).raw, plan, "after {command}");
    }
    site.until_only(1, 1);
    peer::send_all(peer::call(USER, site.at(x)), b"PROG");
    user.ask("STOR stored", 150);
    user.expect(226);
    assert_eq!(site.read("stored"), b"PROG");
}

//= spec#T-3
#[test]
fn lstn_and_sock_want_a_login_and_no_epsv_all() {
    let site = Site::start(SITE2);
    let mut user = User::greeted(USER, site.address);
    user.ask("LSTN R", 530);
    user.ask("SOCK 127.0.0.2,5000", 530);
    user.log_in("alice");
    user.ask("EPSV ALL", 200);
    for command in [
        "LSTN R",
        "SOCK 127.0.0.2,5000",
        "PASV",
        "PORT 127,0,0,1,19,136",
    ] {
        user.ask(command, 503);
    }
    assert_eq!(site.server.ports_reserved(), 0);
    user.ask("REIN", 220);
    user.log_in("alice");
    user.lstn("R");
}

//= spec#T-19
//= rfc438#d.1
//= type=test
//# On success the reply must be the 255 FTP server data socket
//# reply
#[test]
fn the_255_line_is_exact_to_the_byte() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    let exact = |raw: &str| {
        let digits = raw.strip_prefix("255 SOCK ").unwrap();
        let digits = digits.strip_suffix("\r\n").unwrap();
        let port: u16 = digits.parse().unwrap();
        assert_eq!(port.to_string(), digits, "{raw:?}");
    };
    exact(&user.ask("SOCK 127.0.0.2,5000", 255).raw);
    exact(&user.ask("LSTN R", 255).raw);
    exact(&user.ask("SOCK 127.0.0.2,5000", 255).raw);
    exact(&user.ask("SOCK 127.0.0.2, 0", 255).raw);
    exact(&user.ask("SOCK 5000", 255).raw);
}

//= spec#T-10
#[test]
fn a_second_lstn_takes_the_place_of_the_first() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    let first = user.lstn("R");
    user.sock_host(peer::ip(SITE1), 5000);
    let second = user.lstn("R");
    assert_ne!(first, second);
    assert!(peer::is_refused(site.at(first)));
    assert_eq!(site.server.ports_reserved(), 1);
    // The filter is gone with the first: the control connection's host is accepted again.
    peer::send_all(peer::call(USER, site.at(second)), b"new");
    user.ask("STOR stored", 150);
    user.expect(226);
    assert_eq!(site.read("stored"), b"new");
}

//= spec#T-22
//= security#S-17
//= type=test
//= security#S-51
//= type=test
#[test]
fn another_arrangement_gives_the_reserved_socket_back() {
    let site = Site::start(SITE2);
    let listener = peer::listen(USER);
    let port = listener.local_addr().unwrap().port();
    let (high, low) = (port >> 8, port & 255);
    let commands = [
        (format!("PORT 127,0,0,1,{high},{low}"), 200, 0),
        (format!("EPRT |1|127.0.0.1|{port}|"), 200, 0),
        ("PASV".to_owned(), 227, 1),
        ("EPSV".to_owned(), 229, 1),
        ("REIN".to_owned(), 220, 0),
    ];
    for (command, code, reserved) in commands {
        let mut user = site.user();
        let x = user.lstn("R");
        user.ask(&command, code);
        assert!(peer::is_refused(site.at(x)), "{command}");
        assert_eq!(site.server.ports_reserved(), reserved, "{command}");
        drop(user);
        site.until_only(0, 0);
    }
}

//= spec#T-22
#[test]
fn lstn_after_sock_gives_the_callers_socket_back() {
    let site = Site::start(SITE2);
    let mut user = site.user();
    let y = user.sock_host(peer::ip(SITE1), 5000);
    assert!(!is_free(&site, y));
    let z = user.sock_host(peer::ip(SITE1), 5001);
    until_true("the first number is free", || is_free(&site, y));
    user.lstn("R");
    until_true("the second number is free", || is_free(&site, z));
    assert_eq!(site.server.ports_reserved(), 1);
    nothing_left(&site.network);
}

/// Whether another process could have that port: without SO_REUSEADDR a held one is refused.
fn is_free(site: &Site, port: u16) -> bool {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&site.at(port).into()).is_ok()
}

fn nothing_left(network: &WatchedNetwork) {
    assert_eq!(network.calls(), [], "SOCK must not dial");
}
