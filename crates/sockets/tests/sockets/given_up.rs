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

#[tokio::test]
async fn a_call_that_stands_is_ended_in_order() {
    let network = World::real().network;
    let listener = network.listen(LOOPBACK, 1).unwrap();
    let call = network.call(None, listener.local()).await.unwrap();
    drop(call);
    let mut called = listener.accept().await.unwrap();
    assert_eq!(called.read(&mut [0; 8]).await.unwrap(), 0);
}
