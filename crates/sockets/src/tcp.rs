//! TCP through the kernel: bind before connect, reset on demand, `sendfile` where there is one.

use std::fs::File;
use std::io;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::mem;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::Lent;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use crate::copy_file as send_file;
#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::sendfile::send_file;
use crate::{Connection, Held, Listener, Network, silence};

/// The kernel's TCP.
#[derive(Debug)]
pub(crate) struct Tcp;

impl Network for Tcp {
    fn listen(&self, local: SocketAddr, backlog: u32) -> io::Result<Box<dyn Listener>> {
        let socket = bound(local, Sharing::Listener)?;
        // What it accepts inherits this, and so has no moment without it.
        socket.set_linger(Some(Duration::ZERO))?;
        let listener = TcpSocket::from_std_stream(socket.into()).listen(backlog)?;
        let local = listener.local_addr()?;
        Ok(Box::new(KernelListener { listener, local }))
    }

    fn hold(&self, local: SocketAddr) -> io::Result<Box<dyn Held>> {
        let socket = bound(local, Sharing::Caller)?;
        let local = local_address(&socket)?;
        Ok(Box::new(KernelHeld {
            _socket: socket,
            local,
        }))
    }

    fn call(
        &self,
        from: Option<SocketAddr>,
        peer: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Box<dyn Connection>>> {
        async move {
            let socket = match from {
                Some(from) if from.port() != 0 || !from.ip().is_unspecified() => {
                    bound(from, Sharing::Caller)?
                }
                // Not bound at all: binding to port 0 searches the whole range for a port that
                // nobody uses towards anybody, where connecting needs one unused towards `peer`.
                _ => unbound(peer)?,
            };
            // The kernel may have made the connection before we hear of it. A call that is given
            // up then, or a process that dies, must not look like an orderly end: in MODE S that
            // is an empty file.
            socket.set_linger(Some(Duration::ZERO))?;
            let stream = TcpSocket::from_std_stream(socket.into())
                .connect(peer)
                .await?;
            Ok(Box::new(KernelConnection::new(stream, peer)?) as Box<dyn Connection>)
        }
        .boxed()
    }
}

/// Takes over a listening socket that another program opened, such as a service manager that
/// opens ports which this process may not. Has to be called within a tokio runtime.
///
/// # Errors
/// When the socket is none that listens.
pub fn adopt_listener(listener: std::net::TcpListener) -> io::Result<Box<dyn Listener>> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let local = listener.local_addr()?;
    Ok(Box::new(KernelListener { listener, local }))
}

/// Who else may have the port.
#[derive(Clone, Copy, Debug)]
enum Sharing {
    /// Nobody but connections that are closing.
    Listener,
    /// Other sockets of ours that call from it (spec D-6).
    Caller,
}

fn unbound(family_of: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(family_of),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    if family_of.is_ipv6() {
        // IPv4 callers come to IPv4 listeners, on every system and whatever its settings, so that
        // an address has one form.
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

fn bound(local: SocketAddr, sharing: Sharing) -> io::Result<Socket> {
    let socket = unbound(local)?;
    match sharing {
        // On Windows the option would let another process take the port over.
        Sharing::Listener => socket.set_reuse_address(cfg!(unix))?,
        Sharing::Caller => {
            socket.set_reuse_address(true)?;
            // Linux shares the port for SO_REUSEADDR alone; the BSDs want this one too.
            #[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
            socket.set_reuse_port(true)?;
        }
    }
    socket.bind(&local.into())?;
    Ok(socket)
}

fn local_address(socket: &Socket) -> io::Result<SocketAddr> {
    socket
        .local_addr()?
        .as_socket()
        .ok_or_else(|| io::ErrorKind::Unsupported.into())
}

#[derive(Debug)]
struct KernelHeld {
    _socket: Socket,
    local: SocketAddr,
}

impl Held for KernelHeld {
    fn local(&self) -> SocketAddr {
        self.local
    }
}

#[derive(Debug)]
struct KernelListener {
    listener: TcpListener,
    local: SocketAddr,
}

impl Listener for KernelListener {
    fn local(&self) -> SocketAddr {
        self.local
    }

    fn accept(&self) -> BoxFuture<'_, io::Result<Box<dyn Connection>>> {
        async move {
            loop {
                let accepted = match self.listener.accept().await {
                    Ok((stream, peer)) => KernelConnection::new(stream, peer),
                    Err(error) => Err(error),
                };
                if let Some(accepted) = unless_gone(accepted) {
                    return Ok(Box::new(accepted?) as Box<dyn Connection>);
                }
            }
        }
        .boxed()
    }

    fn accept_waiting(&self) -> Option<Box<dyn Connection>> {
        // Asks the kernel itself: the runtime may not have heard yet of a caller that waits.
        let listener = SockRef::from(&self.listener);
        loop {
            let accepted = listener
                .accept()
                .and_then(|(socket, peer)| adopted(socket, peer.as_socket()));
            if let Some(accepted) = unless_gone(accepted) {
                return Some(Box::new(accepted.ok()?));
            }
        }
    }
}

fn adopted(socket: Socket, peer: Option<SocketAddr>) -> io::Result<KernelConnection> {
    socket.set_nonblocking(true)?;
    let peer = peer.ok_or(io::ErrorKind::ConnectionAborted)?;
    KernelConnection::new(TcpStream::from_std(socket.into())?, peer)
}

/// What was accepted, or `None` if that caller went away before, which says nothing about the next
/// one.
fn unless_gone<T>(accepted: io::Result<T>) -> Option<io::Result<T>> {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionReset, HostUnreachable, Interrupted, NetworkDown,
        NetworkUnreachable, NotConnected,
    };
    let kind = accepted.as_ref().err().map(io::Error::kind);
    let is_gone = matches!(
        kind,
        Some(
            ConnectionAborted
                | ConnectionReset
                | HostUnreachable
                | Interrupted
                | NetworkDown
                | NetworkUnreachable
                | NotConnected
        )
    );
    (!is_gone).then_some(accepted)
}

#[derive(Debug)]
struct KernelConnection {
    stream: Stream,
    peer: SocketAddr,
    local: SocketAddr,
}

impl KernelConnection {
    fn new(stream: TcpStream, peer: SocketAddr) -> io::Result<Self> {
        let local = stream.local_addr()?;
        // Data goes out when it is written, not when an earlier part is acknowledged. It is only
        // slower without, and some systems refuse it once the far end is gone.
        let _ = stream.set_nodelay(true);
        // ABOR comes as urgent data (RFC 959 section 4.1.3). Out of line its last octet would be
        // lost, and with it the end of the line (spec S-41).
        let _ = SockRef::from(&stream).set_out_of_band_inline(true);
        Ok(Self {
            stream: Stream::Here(stream),
            peer,
            local,
        })
    }

    fn here(&mut self) -> io::Result<&mut TcpStream> {
        match &mut self.stream {
            Stream::Here(stream) => Ok(stream),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Stream::Lent(_) => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn socket(&self) -> SockRef<'_> {
        match &self.stream {
            Stream::Here(stream) => SockRef::from(stream),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Stream::Lent(stream) => SockRef::from(stream),
        }
    }
}

#[derive(Debug)]
enum Stream {
    Here(TcpStream),
    /// In the hands of a thread; this handle is there to reset it.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Lent(std::net::TcpStream),
}

impl Connection for KernelConnection {
    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn local(&self) -> SocketAddr {
        self.local
    }

    fn reset(self: Box<Self>) {
        // Should the system refuse, the drop still closes, though in the orderly way.
        let _ = self.socket().set_linger(Some(Duration::ZERO));
    }

    fn reset_on_death(&mut self, reset: bool) {
        // Where the system refuses, it is as without.
        let _ = self.socket().set_linger(reset.then_some(Duration::ZERO));
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn hold_back(&mut self, hold: bool) {
        // Full packets go all the same, and what is forgotten here goes after 200 ms.
        let _ = self.socket().set_tcp_cork(hold);
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn lend(&mut self) -> Option<Lent> {
        let permit = Lent::permit()?;
        let Stream::Here(stream) = &self.stream else {
            return None;
        };
        let handle = SockRef::from(stream).try_clone().ok()?;
        let Stream::Here(stream) = mem::replace(&mut self.stream, Stream::Lent(handle.into()))
        else {
            return None;
        };
        // The runtime refuses only what it does not know; then the connection is lost.
        Some(Lent::new(stream.into_std().ok()?, permit))
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn take_back(&mut self, lent: Lent) -> io::Result<()> {
        self.stream = Stream::Here(TcpStream::from_std(lent.into_stream())?);
        Ok(())
    }

    fn end_on_silence(&mut self) {
        silence::end_on_silence(&self.socket());
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn has_ended(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let socket = self.socket();
        // What is wrong is told unasked, and so is the end of both directions.
        let found = poll(
            &mut [PollFd::new(&*socket, PollFlags::RDHUP)],
            Some(&Timespec::default()),
        );
        found.is_ok_and(|found| found > 0)
    }

    fn send_file<'a>(
        &'a mut self,
        file: &'a Arc<File>,
        offset: u64,
        length: u64,
    ) -> BoxFuture<'a, io::Result<u64>> {
        async move { send_file(self.here()?, file, offset, length).await }.boxed()
    }
}

impl AsyncRead for KernelConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.here()?;
        // tokio's own poll_read takes a short read for the last one until the kernel speaks again.
        // A read also stops short at the mark of urgent data, and what follows the mark is there.
        loop {
            std::task::ready!(stream.poll_read_ready(cx))?;
            match stream.try_read_buf(buffer) {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for KernelConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.here()?).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.here()?).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.here()?).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.here()?).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn several_slices_go_out_as_many_octets_as_is_said() {
        let (mut connection, mut far) = pair().await;
        assert!(connection.is_write_vectored());
        let slices = [b"one".as_slice(), b"and two"].map(io::IoSlice::new);
        let written = connection.write_vectored(&slices).await.unwrap();
        assert_eq!(written, 10);
        let mut arrived = [0; 10];
        far.read_exact(&mut arrived).await.unwrap();
        assert_eq!(arrived, *b"oneand two");
    }

    async fn pair() -> (KernelConnection, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let peer = listener.local_addr().unwrap();
        let stream = TcpStream::connect(peer).await.unwrap();
        let connection = KernelConnection::new(stream, peer).unwrap();
        (connection, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn the_far_end_sees_a_reset_and_no_orderly_end() {
        let (mut connection, mut far) = pair().await;
        connection.reset_on_death(false);
        Box::new(connection).reset();
        let seen = far.read(&mut [0]).await.unwrap_err();
        assert_eq!(seen.kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn who_has_read_all_waits_for_more() {
        let (mut connection, mut far) = pair().await;
        let mut read = [0; 3];
        for sent in [b"one", b"two"] {
            far.write_all(sent).await.unwrap();
            connection.read_exact(&mut read).await.unwrap();
            assert_eq!(read, *sent);
            assert!(connection.read(&mut [0]).now_or_never().is_none());
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_is_held_back_waits_for_more_until_it_is_let_go() {
        let (mut connection, _far) = pair().await;
        for hold in [true, false] {
            connection.hold_back(hold);
            assert_eq!(connection.socket().tcp_cork().unwrap(), hold);
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_connection_that_is_told_so_ends_on_silence() {
        let (mut connection, _far) = pair().await;
        connection.end_on_silence();
        let after = connection.socket().tcp_user_timeout().unwrap();
        assert_eq!(after, Some(silence::SILENCE_MAX));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_end_is_known_before_what_came_first_is_read() {
        for resets in [false, true] {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let mut far = TcpStream::connect(listener.local_addr().unwrap())
                .await
                .unwrap();
            let (stream, peer) = listener.accept().await.unwrap();
            let mut connection = KernelConnection::new(stream, peer).unwrap();
            far.write_all(b"unread").await.unwrap();
            let mut first = [0; 1];
            connection.read_exact(&mut first).await.unwrap();
            assert!(!connection.has_ended());
            if resets {
                SockRef::from(&far)
                    .set_linger(Some(Duration::ZERO))
                    .unwrap();
            }
            drop(far);
            // Loopback carries it before the call returns.
            assert!(connection.has_ended(), "resets: {resets}");
        }
    }

    /// Waiting for the next caller goes on only where there may be one.
    #[test]
    fn a_caller_that_is_gone_is_no_fault_of_the_listener() {
        use io::ErrorKind::{
            ConnectionAborted, ConnectionReset, InvalidInput, NetworkDown, OutOfMemory, WouldBlock,
        };
        let unless_gone = |accepted: io::Result<u8>| {
            unless_gone(accepted).map(|accepted| accepted.map_err(|error| error.kind()))
        };
        for kind in [ConnectionAborted, ConnectionReset, NetworkDown] {
            assert_eq!(unless_gone(Err(kind.into())), None);
        }
        for kind in [WouldBlock, InvalidInput, OutOfMemory] {
            assert_eq!(unless_gone(Err(kind.into())), Some(Err(kind)));
        }
        assert_eq!(unless_gone(Ok(1)), Some(Ok(1)));
    }
}
