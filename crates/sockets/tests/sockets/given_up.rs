//! A call that nobody waits for any more.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use futures_util::FutureExt;
use thirdhost_sockets::World;
use tokio::io::AsyncReadExt;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// In MODE S an orderly end is the end of the file: it would be an empty one.
#[tokio::test]
async fn a_call_that_is_given_up_is_reset_though_it_stands_already() {
    let network = World::real().network;
    let listener = network.listen(LOOPBACK, 1).unwrap();
    let mut call = network.call(Some(LOOPBACK), listener.local());
    // The kernel has made the connection when connect(2) returns; the process has not heard it.
    assert!(call.as_mut().now_or_never().is_none());
    drop(call);
    let mut called = listener.accept().await.unwrap();
    let end = called.read(&mut [0; 8]).await;
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

/// There is no moment at which the death of a process looks like the end of a file.
#[tokio::test]
async fn either_end_is_reset_until_it_is_told_to_end_in_order() {
    let network = World::real().network;
    let listener = network.listen(LOOPBACK, 1).unwrap();
    for orderly in [false, true] {
        for is_caller in [false, true] {
            let call = network.call(None, listener.local()).await.unwrap();
            let called = listener.accept().await.unwrap();
            let (mut ends, mut stays) = match is_caller {
                true => (call, called),
                false => (called, call),
            };
            if orderly {
                ends.reset_on_death(false);
            }
            drop(ends);
            let end = stays.read(&mut [0; 8]).await.map_err(|error| error.kind());
            let reset = Err(io::ErrorKind::ConnectionReset);
            assert_eq!(end, if orderly { Ok(0) } else { reset }, "{is_caller}");
        }
    }
}

#[tokio::test]
async fn a_caller_that_already_waits_is_reset_too() {
    let network = World::real().network;
    let listener = network.listen(LOOPBACK, 1).unwrap();
    let mut call = network.call(None, listener.local()).await.unwrap();
    drop(listener.accept_waiting().unwrap());
    let end = call.read(&mut [0; 8]).await;
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}
