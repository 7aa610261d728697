//! Who called for an earlier transfer is never taken for the next one's peer (T-12).

#[cfg(target_os = "linux")]
use {socket2::SockRef, std::net::Shutdown, thirdhost_sockets::adopt_listener};

use thirdhost_wire::AcceptFilter;
use tokio::io::AsyncWriteExt;

use crate::world::{LONG, accept, allocator, carries, ip, is_reset, stranger};

#[tokio::test]
async fn callers_that_wait_are_discarded_at_once() {
    let mut listening = allocator().listen(ip("127.0.0.1"), None).unwrap();
    let x = listening.local();
    let mut stale = Vec::new();
    for _ in 0..3 {
        let mut caller = stranger("127.0.0.1", x).await;
        caller.write_all(b"of an earlier transfer").await.unwrap();
        stale.push(caller);
    }
    assert_eq!(listening.discard_backlog(), 3);
    for caller in stale {
        assert!(is_reset(caller).await);
    }
    let mut caller = stranger("127.0.0.1", x).await;
    let filter = AcceptFilter::Host(ip("127.0.0.1"));
    let mut accepted = accept(&mut listening, filter, LONG).await.unwrap();
    assert_eq!(accepted.peer(), caller.local_addr().unwrap());
    assert!(carries(&mut caller, &mut accepted, b"good").await);
    assert_eq!(listening.discard_backlog(), 0);
}

//
#[tokio::test]
async fn a_caller_that_came_before_the_wait_is_accepted_by_it() {
    let mut listening = allocator().listen(ip("127.0.0.1"), None).unwrap();
    let mut early = stranger("127.0.0.1", listening.local()).await;
    let filter = AcceptFilter::Host(ip("127.0.0.1"));
    let mut accepted = accept(&mut listening, filter, LONG).await.unwrap();
    assert!(carries(&mut early, &mut accepted, b"END;").await);
}

#[tokio::test]
async fn who_waits_is_reset_when_the_socket_is_dropped() {
    let listening = allocator().listen(ip("127.0.0.1"), None).unwrap();
    let waiting = stranger("127.0.0.1", listening.local()).await;
    drop(listening);
    assert!(is_reset(waiting).await);
}

/// It would be asked over and over for ever.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_listener_that_does_not_listen_any_more_is_an_error() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let same = listener.try_clone().unwrap();
    let listener = adopt_listener(listener).unwrap();
    SockRef::from(&same).shutdown(Shutdown::Both).unwrap();
    let accepted = tokio::time::timeout(LONG, listener.accept()).await;
    assert!(accepted.unwrap().is_err());
}
