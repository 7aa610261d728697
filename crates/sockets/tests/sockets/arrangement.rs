//! RFC 438's example on two ends of one machine: the numbers told are the numbers used.

use std::net::SocketAddr;

use thirdhost_sockets::{Allocator, Parity, PortPool, World};
use thirdhost_wire::{AcceptFilter, Direction, HostSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{Everyone, LONG, Nobody, SHORT, accept, allocator, carries, ip, name};

/// Who closes first, and is left with TIME-WAIT.
#[derive(Clone, Copy, Debug)]
enum Closer {
    Caller,
    Listener,
}

async fn files_go_from_socket_to_socket(source: &str, destination: &str, closer: Closer) {
    let sockets = allocator();
    let mut destination = sockets.listen(ip(destination), Some(Parity::Even)).unwrap();
    let x = name(destination.local());
    let source = sockets
        .hold(ip(source), Some(Parity::opposite_of(x.port())))
        .unwrap();
    let y = name(source.local());
    for file in 0..5_u8 {
        let (calling, accepted) = tokio::join!(
            source.call(x, &Everyone, Direction::Send, LONG),
            accept(&mut destination, AcceptFilter::HostPort(y), LONG),
        );
        let (mut calling, mut accepted) = (calling.unwrap(), accepted.unwrap());
        assert_eq!(
            (name(calling.local()), name(calling.peer())),
            (y, x),
            "file {file}"
        );
        assert_eq!(
            (name(accepted.local()), name(accepted.peer())),
            (x, y),
            "file {file}"
        );
        assert!(carries(&mut calling, &mut accepted, &[file; 1_000]).await);
        let (first, second) = match closer {
            Closer::Caller => (&mut calling, &mut accepted),
            Closer::Listener => (&mut accepted, &mut calling),
        };
        first.shutdown().await.unwrap();
        assert_eq!(second.read(&mut [0]).await.unwrap(), 0);
    }
}

// T-4, T-11
//= rfc438#d.1
//= type=test
//# On success the reply must be the 255 FTP server data socket
//# reply
#[tokio::test]
async fn every_file_of_an_arrangement_goes_between_the_two_numbers_told() {
    for closer in [Closer::Caller, Closer::Listener] {
        files_go_from_socket_to_socket("127.0.0.1", "127.0.0.1", closer).await;
        files_go_from_socket_to_socket("::1", "::1", closer).await;
        #[cfg(target_os = "linux")]
        files_go_from_socket_to_socket("127.0.0.2", "127.0.0.3", closer).await;
    }
}

// T-16
//= rfc438#b
//= type=test
//# Data transfer may proceed after the
//# server receives an RFC for the socket and responds with a matching
//# RFC.
#[tokio::test]
async fn a_caller_that_is_early_calls_again_from_the_same_port() {
    let sockets = allocator();
    // A held port refuses callers, as a listener of RFC 438's time did before its transfer
    // command (spec A-1).
    let placeholder = sockets.hold(ip("127.0.0.1"), None).unwrap();
    let x = name(placeholder.local());
    let source = sockets.hold(ip("127.0.0.1"), None).unwrap();
    let y = name(source.local());
    let calling = source.call(x, &Everyone, Direction::Send, LONG);
    tokio::pin!(calling);
    let early = tokio::time::timeout(SHORT, &mut calling).await;
    assert!(early.is_err(), "a port that does not listen answered");
    let mut destination = placeholder.listen().unwrap();
    assert_eq!(name(destination.local()), x);
    let (calling, accepted) = tokio::join!(
        calling,
        accept(&mut destination, AcceptFilter::HostPort(y), LONG)
    );
    assert_eq!(name(calling.unwrap().local()), y);
    assert_eq!(name(accepted.unwrap().peer()), y);
}

#[tokio::test]
async fn an_earlier_connection_that_still_closes_only_delays_the_next_call() {
    let sockets = allocator();
    let mut destination = sockets.listen(ip("127.0.0.1"), None).unwrap();
    let x = name(destination.local());
    let source = sockets.hold(ip("127.0.0.1"), None).unwrap();
    let filter = AcceptFilter::HostPort(name(source.local()));
    let (earlier, accepted) = tokio::join!(
        source.call(x, &Everyone, Direction::Send, LONG),
        accept(&mut destination, filter, LONG),
    );
    drop(earlier.unwrap());
    let late = async {
        // The listening side has not closed its end when the next call begins.
        tokio::task::yield_now().await;
        drop(accepted.unwrap());
        accept(&mut destination, filter, LONG).await
    };
    let (calling, accepted) = tokio::join!(source.call(x, &Everyone, Direction::Send, LONG), late);
    assert!(carries(&mut calling.unwrap(), &mut accepted.unwrap(), b"END;").await);
}

#[tokio::test]
async fn a_call_without_a_number_told_leaves_from_the_address_asked_for() {
    let sockets = allocator();
    let mut listening = sockets.listen(ip("127.0.0.1"), None).unwrap();
    let target = name(listening.local());
    for local in ["127.0.0.1", "0.0.0.0"] {
        let (called, accepted) = tokio::join!(
            sockets.call_unreserved(ip(local), target, &Everyone, Direction::Send, LONG),
            accept(&mut listening, AcceptFilter::Host(ip("127.0.0.1")), LONG),
        );
        assert_eq!(called.unwrap().local(), accepted.unwrap().peer());
    }
}

#[tokio::test]
async fn sockets_take_their_ports_from_the_range() {
    // A port the system has just handed out lies in a neighbourhood that is likely to be free.
    let near = allocator()
        .hold(ip("127.0.0.1"), None)
        .unwrap()
        .port()
        .min(65_000);
    let range = near..=near + 400;
    let sockets = Allocator::new(World::real(), PortPool::new(range.clone()));
    let mut listening = sockets.listen(ip("127.0.0.1"), Some(Parity::Odd)).unwrap();
    let held = sockets.hold(ip("127.0.0.1"), Some(Parity::Even)).unwrap();
    assert_eq!(Parity::of(listening.port()), Parity::Odd);
    assert_eq!(Parity::of(held.port()), Parity::Even);
    let target = name(listening.local());
    let (called, accepted) = tokio::join!(
        sockets.call_unreserved(ip("127.0.0.1"), target, &Everyone, Direction::Send, LONG),
        accept(&mut listening, AcceptFilter::Any, LONG),
    );
    let from = accepted.unwrap().peer().port();
    assert_eq!(called.unwrap().local().port(), from);
    for port in [listening.port(), held.port(), from] {
        assert!(range.contains(&port), "{port} is not in {range:?}");
    }
    drop((listening, held));
    assert_eq!(sockets.pool().leased(), 0);
}

#[tokio::test]
async fn two_sockets_never_share_a_port_that_is_the_only_one() {
    let free = allocator().hold(ip("127.0.0.1"), None).unwrap().port();
    let sockets = Allocator::new(World::real(), PortPool::new(free..=free));
    let listening = sockets.listen(ip("127.0.0.1"), None).unwrap();
    assert!(sockets.hold(ip("127.0.0.1"), None).is_err());
    // Another process that listens there is not pushed away either.
    let other = Allocator::new(World::real(), PortPool::new(free..=free));
    assert!(other.listen(ip("127.0.0.1"), None).is_err());
    drop(listening);
    assert_eq!(other.listen(ip("127.0.0.1"), None).unwrap().port(), free);
}

#[tokio::test]
async fn an_ipv6_listener_takes_no_ipv4_caller() {
    let sockets = allocator();
    let listening = sockets.listen(ip("::"), None).unwrap();
    let over_ipv4 = SocketAddr::new(ip("127.0.0.1"), listening.port());
    let called = World::real().network.call(None, over_ipv4).await;
    assert_eq!(
        called.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionRefused
    );
    let target = HostSocket::new(ip("::1"), listening.port()).unwrap();
    assert!(
        World::real()
            .network
            .call(None, target.address())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_session_may_move_between_threads_while_it_waits() {
    let sockets = allocator();
    let mut listening = sockets.listen(ip("127.0.0.1"), None).unwrap();
    let x = name(listening.local());
    let reserved = sockets.hold(ip("127.0.0.1"), None).unwrap();
    let accepting =
        tokio::spawn(async move { accept(&mut listening, AcceptFilter::Any, LONG).await });
    let calling = tokio::spawn(async move {
        let local = ip("127.0.0.1");
        let denied = sockets
            .call_unreserved(local, x, &Nobody, Direction::Send, LONG)
            .await;
        (
            denied,
            reserved.call(x, &Everyone, Direction::Send, LONG).await,
        )
    });
    assert!(accepting.await.unwrap().is_ok());
    let (denied, called) = calling.await.unwrap();
    assert!(denied.is_err() && called.is_ok());
}

/// Whichever half is told is kept: an address without a port, and a port without an address.
#[tokio::test]
async fn a_call_leaves_from_the_half_of_its_address_that_was_told() {
    let network = World::real().network;
    let listener = network
        .listen(SocketAddr::new(ip("127.0.0.1"), 0), 1)
        .unwrap();
    let port = network.hold(SocketAddr::new(ip("127.0.0.1"), 0)).unwrap();
    let number = port.local().port();
    drop(port);
    for (from, expected) in [
        (SocketAddr::new(ip("127.0.0.2"), 0), None),
        (SocketAddr::new(ip("0.0.0.0"), number), Some(number)),
    ] {
        let call = network.call(Some(from), listener.local());
        let (called, accepted) = tokio::join!(call, listener.accept());
        let (called, accepted) = (called.unwrap(), accepted.unwrap());
        assert_eq!(accepted.peer(), called.local());
        let host = if expected.is_some() {
            "127.0.0.1"
        } else {
            "127.0.0.2"
        };
        assert_eq!(accepted.peer().ip(), ip(host), "{from}");
        let found = accepted.peer().port();
        assert_eq!(found, expected.unwrap_or(found), "{from}");
    }
}
