//! SIGHUP: users and policy are read again, and sessions that run follow.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::daemon::{Daemon, PATIENCE, Site, User, third_host, thirdhostd};

#[test]
fn sighup_may_come_as_soon_as_the_server_listens() {
    let site = Site::new("", "");
    for _ in 0..8 {
        let server = site.start(&[]);
        server.signal("HUP");
        server.logged("users reloaded");
        server.alice();
    }
    let mut quick_start = thirdhostd();
    quick_start
        .args(["--listen", "127.0.0.1:0", "--root"])
        .arg(site.path("root"));
    let server = Daemon::start(quick_start);
    server.signal("HUP");
    server.logged("no configuration file");
    User::connect(server.address).command("NOOP", "200");
}

#[test]
fn sighup_brings_what_it_can_to_new_sessions_and_names_what_waits() {
    let site = Site::new("", "");
    let server = site.start(&[]);
    let mut before = server.alice();
    site.configure(
        "mdtm_set = true\npartial_hours = 5\n[limits]\nsessions_per_host = 2\n\
         idle_seconds = 7\n[log]\nlevel = \"debug\"\n",
    );
    server.signal("HUP");
    for key in ["partial_hours", "log.level"] {
        let line = server.logged("takes effect after a restart");
        assert!(line.contains(key), "{line}");
    }
    server.logged("users reloaded");
    before.command("SITE IDLE", "200 The session ends after 300");
    let mut after = server.alice();
    after.command("SITE IDLE", "200 The session ends after 7");
    User::connect_to_be_told(server.address, "421");
}

#[test]
fn what_waits_for_a_restart_is_named_at_every_sighup_until_it_is_as_it_was() {
    let site = Site::new("", "");
    let server = site.start(&[]);
    site.configure("partial_hours = 5\n");
    for _ in 0..2 {
        server.signal("HUP");
        let line = server.logged("takes effect after a restart");
        assert!(line.contains("partial_hours"), "{line}");
        server.logged("users reloaded");
    }
    // What runs is what is written again: the next warning is about another key.
    site.configure("durability = \"power\"\n");
    server.signal("HUP");
    let line = server.logged("takes effect after a restart");
    assert!(line.contains("durability"), "{line}");
}

//= security#S-15
//= type=test
#[test]
fn s_15_a_session_that_runs_follows_the_policy_that_is_reloaded() {
    let site = Site::new("", "{ send_to = [\"127.0.0.2/32\"] }");
    let server = site.start(&[]);
    let mut alice = server.alice();
    alice.store("file", b"content");
    let (third, eprt) = third_host();
    alice.command(&eprt, "200");

    site.grant("");
    server.signal("HUP");
    server.logged("users reloaded");
    // Admitted when EPRT came, refused before the call goes out.
    alice.command("RETR file", "150");
    alice.expect("425");
    let line = server.logged(" transfer ");
    assert!(line.contains("outcome=\"not_admitted\""), "{line}");
    third.set_nonblocking(true).unwrap();
    third.accept().unwrap_err();
    alice.command(&eprt, "504");

    site.grant("{ send_to = [\"127.0.0.2/32\"] }");
    server.signal("HUP");
    server.logged("users reloaded");
    alice.command(&eprt, "200");
}

//= security#S-15
//= type=test
#[test]
fn s_15_a_caller_who_was_admitted_at_sock_is_refused_once_the_policy_is_another() {
    let grant = "{ send_to = [\"127.0.0.2/32\"] }";
    let site = Site::new("", grant);
    let server = site.start(&[]);
    let mut alice = server.alice();
    alice.store("file", b"content");
    for admitted in [true, false] {
        let reply = alice.command("LSTN S", "255 SOCK ");
        let port = reply.trim_end().rsplit(' ').next().unwrap();
        alice.command("SOCK 127.0.0.2,0", "255");
        if !admitted {
            site.grant("");
            server.signal("HUP");
            server.logged("users reloaded");
        }
        let mut third = call_from_third_host(port.parse().unwrap());
        alice.command("RETR file", "150");
        let mut content = Vec::new();
        let read = third.read_to_end(&mut content);
        drop(third);
        if admitted {
            read.unwrap();
            assert_eq!(content, b"content");
            alice.expect("226");
        } else {
            assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset);
            assert!(content.is_empty());
            alice.expect("425");
        }
    }
}

#[test]
fn a_broken_file_changes_nothing() {
    let site = Site::new("", "");
    let server = site.start(&[]);
    site.configure("colour = \"blue\"");
    server.signal("HUP");
    let line = server.logged("not reloaded");
    assert!(line.contains("unknown key `colour`"), "{line}");
    User::connect(server.address);
    server.alice();
}

/// A connection to the server's data port, from another address of loopback.
fn call_from_third_host(port: u16) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let from: SocketAddr = "127.0.0.2:0".parse().unwrap();
    socket.bind(&from.into()).unwrap();
    let to = SocketAddr::from(([127, 0, 0, 1], port));
    socket.connect(&to.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}
