//! A network that counts what passes through it, and that a host can die on.

use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thirdhost_sockets::{Connection, Held, Listener, Network};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

/// A network between a host and the real one. Clones share what they have seen.
///
/// With a fuse, the host dies when so many bytes have been written: nothing more goes out, and
/// whoever waits for [`Tap::blown`] pulls the plug. Exact as long as one connection writes at a
/// time.
#[derive(Clone, Debug)]
pub struct Tap {
    inner: Arc<dyn Network>,
    /// Where calls leave from, if the caller does not say.
    home: Option<IpAddr>,
    seen: Arc<Seen>,
}

/// One connection that was opened, and the bytes that passed, both ways together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Flow {
    /// The far end.
    pub peer: SocketAddr,
    /// Bytes read and written.
    pub bytes: u64,
}

impl Tap {
    /// A tap on `inner` that only counts.
    #[must_use]
    pub fn on(inner: Arc<dyn Network>) -> Self {
        let (blown, _) = watch::channel(false);
        let seen = Seen {
            flows: Mutex::default(),
            room: AtomicU64::new(u64::MAX),
            blown,
        };
        Self {
            inner,
            home: None,
            seen: Arc::new(seen),
        }
    }

    /// The same; calls leave from `home`.
    #[must_use]
    pub fn from_home(self, home: IpAddr) -> Self {
        Self {
            home: Some(home),
            ..self
        }
    }

    /// Lays a fuse: after `bytes` more bytes have been written, nothing goes out any more.
    pub fn lay_fuse(&self, bytes: u64) {
        self.seen.room.store(bytes, Ordering::Relaxed);
    }

    /// Waits until the fuse has blown; for ever if there is none.
    pub async fn blown(&self) {
        let mut blown = self.seen.blown.subscribe();
        if blown.wait_for(|blown| *blown).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Every connection so far, in the order in which they were opened.
    #[must_use]
    pub fn flows(&self) -> Vec<Flow> {
        let flows = self.seen.flows();
        let flow = |(peer, bytes): &(SocketAddr, Arc<AtomicU64>)| Flow {
            peer: *peer,
            bytes: bytes.load(Ordering::Relaxed),
        };
        flows.iter().map(flow).collect()
    }
}

impl Network for Tap {
    fn listen(&self, local: SocketAddr, backlog: u32) -> io::Result<Box<dyn Listener>> {
        let inner = self.inner.listen(local, backlog)?;
        let seen = Arc::clone(&self.seen);
        Ok(Box::new(TappedListener { inner, seen }))
    }

    fn hold(&self, local: SocketAddr) -> io::Result<Box<dyn Held>> {
        self.inner.hold(local)
    }

    fn call(
        &self,
        from: Option<SocketAddr>,
        peer: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Box<dyn Connection>>> {
        let home = self.home.filter(|home| home.is_ipv4() == peer.is_ipv4());
        let from = from.or(home.map(|home| SocketAddr::new(home, 0)));
        let calling = self.inner.call(from, peer);
        let seen = Arc::clone(&self.seen);
        async move { Ok(seen.tapped(calling.await?)) }.boxed()
    }
}

#[derive(Debug)]
struct Seen {
    flows: Mutex<Vec<(SocketAddr, Arc<AtomicU64>)>>,
    /// How many bytes may still be written.
    room: AtomicU64,
    blown: watch::Sender<bool>,
}

impl Seen {
    fn tapped(self: &Arc<Self>, inner: Box<dyn Connection>) -> Box<dyn Connection> {
        let bytes = Arc::new(AtomicU64::new(0));
        self.flows().push((inner.peer(), Arc::clone(&bytes)));
        let seen = Arc::clone(self);
        Box::new(TappedConnection { inner, bytes, seen })
    }

    /// How much of `wanted` may go out.
    fn room(&self, wanted: u64) -> u64 {
        self.room.load(Ordering::Relaxed).min(wanted)
    }

    fn wrote(&self, bytes: u64) {
        let room = self.room.load(Ordering::Relaxed);
        if room != u64::MAX {
            let left = room.saturating_sub(bytes);
            self.room.store(left, Ordering::Relaxed);
        }
    }

    fn flows(&self) -> MutexGuard<'_, Vec<(SocketAddr, Arc<AtomicU64>)>> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct TappedListener {
    inner: Box<dyn Listener>,
    seen: Arc<Seen>,
}

impl Listener for TappedListener {
    fn local(&self) -> SocketAddr {
        self.inner.local()
    }

    fn accept(&self) -> BoxFuture<'_, io::Result<Box<dyn Connection>>> {
        async { Ok(self.seen.tapped(self.inner.accept().await?)) }.boxed()
    }

    fn accept_waiting(&self) -> Option<Box<dyn Connection>> {
        let waiting = self.inner.accept_waiting()?;
        Some(self.seen.tapped(waiting))
    }
}

#[derive(Debug)]
struct TappedConnection {
    inner: Box<dyn Connection>,
    bytes: Arc<AtomicU64>,
    seen: Arc<Seen>,
}

impl TappedConnection {
    fn wrote(&self, bytes: u64) {
        self.seen.wrote(bytes);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The host is dead: the system closes what it leaves, and nothing goes on or fails until
    /// the plug is pulled.
    fn blow(&mut self) {
        let (peer, local) = (self.inner.peer(), self.inner.local());
        self.inner = Box::new(Dead { peer, local });
        self.seen.blown.send_replace(true);
    }
}

impl Connection for TappedConnection {
    fn peer(&self) -> SocketAddr {
        self.inner.peer()
    }

    fn local(&self) -> SocketAddr {
        self.inner.local()
    }

    fn reset(self: Box<Self>) {
        self.inner.reset();
    }

    fn reset_on_death(&mut self, reset: bool) {
        self.inner.reset_on_death(reset);
    }

    fn hold_back(&mut self, hold: bool) {
        self.inner.hold_back(hold);
    }

    fn end_on_silence(&mut self) {
        self.inner.end_on_silence();
    }

    fn send_file<'a>(
        &'a mut self,
        file: &'a Arc<File>,
        offset: u64,
        length: u64,
    ) -> BoxFuture<'a, io::Result<u64>> {
        async move {
            let room = self.seen.room(length);
            let sent = match room {
                0 => 0,
                room => self.inner.send_file(file, offset, room).await?,
            };
            self.wrote(sent);
            if room < length && sent == room {
                self.blow();
                std::future::pending::<()>().await;
            }
            Ok(sent)
        }
        .boxed()
    }
}

impl AsyncRead for TappedConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buffer);
        let read = buffer.filled().len().saturating_sub(before);
        self.bytes.fetch_add(octets(read), Ordering::Relaxed);
        polled
    }
}

impl AsyncWrite for TappedConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let room = self.seen.room(octets(bytes.len()));
        if room == 0 && !bytes.is_empty() {
            self.blow();
            return Poll::Pending;
        }
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let (part, _) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        let polled = Pin::new(&mut self.inner).poll_write(cx, part);
        if let Poll::Ready(Ok(written)) = polled {
            self.wrote(octets(written));
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// What a process that died has in the place of a connection.
#[derive(Debug)]
struct Dead {
    peer: SocketAddr,
    local: SocketAddr,
}

impl Connection for Dead {
    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn local(&self) -> SocketAddr {
        self.local
    }

    fn reset(self: Box<Self>) {}

    fn send_file<'a>(
        &'a mut self,
        _: &'a Arc<File>,
        _: u64,
        _: u64,
    ) -> BoxFuture<'a, io::Result<u64>> {
        std::future::pending().boxed()
    }
}

impl AsyncRead for Dead {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Dead {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

fn octets(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use thirdhost_sockets::World;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn pair(tap: &Tap) -> (Box<dyn Connection>, Box<dyn Connection>) {
        let network = World::real().network;
        let listener = network.listen((Ipv4Addr::LOCALHOST, 0).into(), 16).unwrap();
        let (ours, theirs) = tokio::join!(tap.call(None, listener.local()), listener.accept());
        (ours.unwrap(), theirs.unwrap())
    }

    #[tokio::test]
    async fn bytes_are_counted_both_ways() {
        let tap = Tap::on(World::real().network);
        let (mut ours, mut theirs) = pair(&tap).await;
        ours.write_all(b"four").await.unwrap();
        theirs.write_all(b"sixsix").await.unwrap();
        ours.read_exact(&mut [0; 6]).await.unwrap();
        let [flow] = tap.flows().try_into().unwrap();
        assert_eq!((flow.peer, flow.bytes), (ours.peer(), 10));
    }

    #[tokio::test]
    async fn a_host_with_a_fuse_dies_at_the_byte() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [b'x'; 100]).unwrap();
        let file = Arc::new(file.reopen().unwrap());
        for by_file in [false, true] {
            let tap = Tap::on(World::real().network);
            let (mut ours, mut theirs) = pair(&tap).await;
            ours.reset_on_death(true);
            tap.lay_fuse(7);
            let writing = async {
                if by_file {
                    ours.send_file(&file, 0, 100).await.map(|_| ())
                } else {
                    ours.write_all(&[b'x'; 100]).await
                }
            };
            tokio::select! {
                done = writing => panic!("the host went on: {done:?}"),
                () = tap.blown() => {}
            }
            ours.reset();
            let mut received = Vec::new();
            theirs.read_to_end(&mut received).await.unwrap_err();
            assert!(received.len() <= 7, "{}", received.len());
            assert_eq!(tap.flows().first().unwrap().bytes, 7);
        }
    }
}
