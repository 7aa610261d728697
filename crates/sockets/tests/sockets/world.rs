//! What the tests have in common: allocators, a policy that admits all, and callers.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use thirdhost_sockets::{
    Allocator, Connection, Denied, Listening, OpenError, PeerQuestion, Policy, PortPool, World,
};
use thirdhost_wire::{AcceptFilter, Direction, HostSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Long enough that a busy machine does not reach it.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Short enough to wait for; nothing but the end of the wait is expected within it.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(crate) struct Everyone;

impl Policy for Everyone {
    fn admit(&self, _question: &PeerQuestion) -> Result<(), Denied> {
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) struct Nobody;

impl Policy for Nobody {
    fn admit(&self, question: &PeerQuestion) -> Result<(), Denied> {
        let PeerQuestion {
            peer, direction, ..
        } = *question;
        Err(Denied::NotGranted { peer, direction })
    }
}

/// An allocator whose ports the system chooses, so that tests may run side by side.
pub(crate) fn allocator() -> Allocator {
    Allocator::new(World::real(), PortPool::new(0..=0))
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn name(address: SocketAddr) -> HostSocket {
    HostSocket::try_from(address).unwrap()
}

/// Calls `peer` from a port of `host`, without any allocator.
pub(crate) async fn stranger(host: &str, peer: SocketAddr) -> TcpStream {
    let from = SocketAddr::new(ip(host), 0);
    let socket = if from.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }
    .unwrap();
    socket.bind(from).unwrap();
    socket.connect(peer).await.unwrap()
}

/// Whether the far end reset the connection without a byte.
pub(crate) async fn is_reset(mut stream: TcpStream) -> bool {
    let mut received = Vec::new();
    let error = stream.read_to_end(&mut received).await.unwrap_err();
    received.is_empty() && error.kind() == std::io::ErrorKind::ConnectionReset
}

pub(crate) async fn accept(
    listening: &mut Listening,
    filter: AcceptFilter,
    timeout: Duration,
) -> Result<Box<dyn Connection>, OpenError> {
    listening
        .accept(filter, &Everyone, Direction::Receive, timeout)
        .await
}

/// Whether `bytes` written at one end arrive at the other.
pub(crate) async fn carries<W>(from: &mut W, to: &mut Box<dyn Connection>, bytes: &[u8]) -> bool
where
    W: AsyncWriteExt + Unpin,
{
    from.write_all(bytes).await.unwrap();
    let mut received = vec![0; bytes.len()];
    to.read_exact(&mut received).await.unwrap();
    received == bytes
}
