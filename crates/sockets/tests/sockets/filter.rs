//! Only the peer that SOCK named gets in; a stranger is reset, and disturbs nobody.

use thirdhost_sockets::{OpenError, REJECTED_MAX};
use thirdhost_wire::{AcceptFilter, HostSocket};

use crate::world::{LONG, SHORT, accept, allocator, carries, ip, is_reset, name, stranger};

/// Strangers from `hosts` call first; then the caller from `expected` is still accepted.
async fn check(filter: impl Fn(HostSocket) -> AcceptFilter, hosts: &[&str], expected: &str) {
    let mut listening = allocator().listen(ip(expected), None).unwrap();
    let x = listening.local();
    let mut strangers = Vec::new();
    for host in hosts {
        strangers.push(stranger(host, x).await);
    }
    let mut right = stranger(expected, x).await;
    let y = name(right.local_addr().unwrap());
    let mut accepted = accept(&mut listening, filter(y), LONG).await.unwrap();
    assert_eq!(name(accepted.peer()), y);
    for stranger in strangers {
        assert!(is_reset(stranger).await);
    }
    assert!(carries(&mut right, &mut accepted, b"END;").await);
}

// T-6
//= rfc438#c
//= type=test
//# accept an RFC for the
//# listening socket only if it is from a specified host and socket.
#[tokio::test]
async fn a_pinned_socket_is_the_only_one_that_gets_in() {
    check(
        AcceptFilter::HostPort,
        &["127.0.0.1", "127.0.0.1"],
        "127.0.0.1",
    )
    .await;
    check(AcceptFilter::HostPort, &["::1"], "::1").await;
    #[cfg(target_os = "linux")]
    check(
        AcceptFilter::HostPort,
        &["127.0.0.2", "127.0.0.1", "127.0.0.3"],
        "127.0.0.1",
    )
    .await;
}

// T-7, T-8
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_pinned_host_gets_in_from_any_socket_and_no_other_host() {
    check(
        |y| AcceptFilter::Host(y.host()),
        &["127.0.0.2", "127.0.0.3"],
        "127.0.0.1",
    )
    .await;
}

#[tokio::test]
async fn whoever_calls_gets_in_where_the_operator_said_so() {
    check(|_| AcceptFilter::Any, &[], "127.0.0.1").await;
}

#[tokio::test]
async fn a_stranger_that_writes_at_once_is_not_read() {
    let mut listening = allocator().listen(ip("127.0.0.1"), None).unwrap();
    let mut thief = stranger("127.0.0.1", listening.local()).await;
    tokio::io::AsyncWriteExt::write_all(&mut thief, b"stolen")
        .await
        .unwrap();
    let nobody = AcceptFilter::HostPort(HostSocket::new(ip("127.0.0.1"), 1).unwrap());
    let accepted = accept(&mut listening, nobody, SHORT).await;
    assert!(matches!(
        accepted,
        Err(OpenError::TimedOut { rejected: 1, .. })
    ));
    assert!(is_reset(thief).await);
}

//= security#S-52
//= type=test
#[tokio::test]
async fn a_flood_of_strangers_ends_the_wait() {
    let mut listening = allocator().listen(ip("127.0.0.1"), None).unwrap();
    let x = listening.local();
    let nobody = AcceptFilter::HostPort(HostSocket::new(ip("127.0.0.1"), 1).unwrap());
    // They all find room in the backlog, and the right caller would behind them (D-9).
    let mut strangers = Vec::new();
    for _ in 0..=REJECTED_MAX {
        strangers.push(stranger("127.0.0.1", x).await);
    }
    let accepted = accept(&mut listening, nobody, LONG).await;
    assert!(matches!(
        accepted,
        Err(OpenError::TooManyStrangers { rejected: 33, .. })
    ));
    for stranger in strangers {
        assert!(is_reset(stranger).await);
    }
}

#[tokio::test]
async fn a_wait_that_is_given_up_loses_no_caller_and_its_port_is_freed_with_it() {
    let sockets = allocator();
    let mut listening = sockets.listen(ip("127.0.0.1"), None).unwrap();
    let x = listening.local();
    {
        let waiting = accept(&mut listening, AcceptFilter::Any, LONG);
        assert!(tokio::time::timeout(SHORT, waiting).await.is_err());
    }
    let caller = stranger("127.0.0.1", x).await;
    let accepted = accept(&mut listening, AcceptFilter::Any, LONG)
        .await
        .unwrap();
    assert_eq!(accepted.peer(), caller.local_addr().unwrap());
    drop(listening);
    let called = tokio::net::TcpStream::connect(x).await;
    assert_eq!(
        called.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionRefused
    );
}
