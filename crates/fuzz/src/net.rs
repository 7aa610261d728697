//! A network in memory: who listens can be called, who is silent is waited for, all else refuses.
//! What one host has open is counted.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use thirdhost_sockets::{Connection, Held, Listener, Network};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::Notify;

/// The network, as one of its hosts sees it. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Net {
    shared: Arc<Mutex<Shared>>,
    /// Where calls come from that say nothing else.
    host: IpAddr,
    /// How many sockets this host has open.
    open: Arc<AtomicUsize>,
    pipe_bytes: usize,
}

#[derive(Debug, Default)]
struct Shared {
    listening: HashMap<SocketAddr, Arc<Waiting>>,
    held: HashSet<SocketAddr>,
    silent: HashSet<SocketAddr>,
    called: Vec<SocketAddr>,
    next_port: u16,
}

/// Callers that nobody has accepted yet.
#[derive(Debug, Default)]
struct Waiting {
    callers: Mutex<VecDeque<Wire>>,
    came: Notify,
}

impl Net {
    /// An empty network; a connection holds `pipe_bytes` in each direction.
    pub(crate) fn new(host: IpAddr, pipe_bytes: usize) -> Self {
        Self {
            shared: Arc::default(),
            host,
            open: Arc::default(),
            pipe_bytes: pipe_bytes.max(1),
        }
    }

    /// The same network as another host sees it.
    pub(crate) fn seen_from(&self, host: IpAddr) -> Self {
        Self {
            host,
            open: Arc::default(),
            ..self.clone()
        }
    }

    /// Calls to `address` are neither taken nor refused.
    pub(crate) fn silence(&self, address: SocketAddr) {
        self.shared().silent.insert(address);
    }

    /// How many sockets this host has open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Everybody who was called, in order.
    pub(crate) fn called(&self) -> Vec<SocketAddr> {
        self.shared().called.clone()
    }

    /// Calls at once.
    pub(crate) fn connect(&self, from: Option<SocketAddr>, peer: SocketAddr) -> io::Result<Wire> {
        let mut shared = self.shared();
        shared.called.push(peer);
        let waiting = shared.listening.get(&peer).cloned();
        let waiting = waiting.ok_or(io::ErrorKind::ConnectionRefused)?;
        let from = match from {
            Some(from) if from.port() != 0 => from,
            from => {
                shared.next_port = shared.next_port.wrapping_add(1) | 0x8000;
                SocketAddr::new(from.map_or(self.host, |from| from.ip()), shared.next_port)
            }
        };
        drop(shared);
        let (near, far) = tokio::io::duplex(self.pipe_bytes);
        let broken = Arc::new(AtomicBool::new(false));
        let wire = |stream, peer, local| Wire {
            peer,
            local,
            stream,
            broken: Arc::clone(&broken),
            _counted: None,
        };
        let caller = wire(far, from, peer);
        waiting.callers().push_back(caller);
        waiting.came.notify_one();
        Ok(self.counted(wire(near, peer, from)))
    }

    fn counted(&self, wire: Wire) -> Wire {
        Wire {
            _counted: Some(Counted::new(&self.open)),
            ..wire
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Network for Net {
    fn listen(&self, local: SocketAddr, _backlog: u32) -> io::Result<Box<dyn Listener>> {
        let waiting = Arc::new(Waiting::default());
        let mut shared = self.shared();
        if shared.listening.contains_key(&local) || shared.held.contains(&local) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        shared.listening.insert(local, Arc::clone(&waiting));
        Ok(Box::new(Listens {
            net: self.clone(),
            local,
            waiting,
            _counted: Counted::new(&self.open),
        }))
    }

    fn hold(&self, local: SocketAddr) -> io::Result<Box<dyn Held>> {
        let mut shared = self.shared();
        if shared.listening.contains_key(&local) || !shared.held.insert(local) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        Ok(Box::new(Holds {
            net: self.clone(),
            local,
            _counted: Counted::new(&self.open),
        }))
    }

    fn is_local(&self, host: IpAddr) -> bool {
        host == self.host || host.is_loopback()
    }

    fn call(
        &self,
        from: Option<SocketAddr>,
        peer: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Box<dyn Connection>>> {
        if self.shared().silent.contains(&peer) {
            return std::future::pending().boxed();
        }
        let called = self.connect(from, peer);
        let called = called.map(|wire| Box::new(wire) as Box<dyn Connection>);
        std::future::ready(called).boxed()
    }
}

impl Waiting {
    fn callers(&self) -> MutexGuard<'_, VecDeque<Wire>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Listens {
    net: Net,
    local: SocketAddr,
    waiting: Arc<Waiting>,
    _counted: Counted,
}

impl Listener for Listens {
    fn local(&self) -> SocketAddr {
        self.local
    }

    fn accept(&self) -> BoxFuture<'_, io::Result<Box<dyn Connection>>> {
        async move {
            loop {
                if let Some(connection) = self.accept_waiting() {
                    return Ok(connection);
                }
                self.waiting.came.notified().await;
            }
        }
        .boxed()
    }

    fn accept_waiting(&self) -> Option<Box<dyn Connection>> {
        let caller = self.waiting.callers().pop_front()?;
        Some(Box::new(self.net.counted(caller)))
    }
}

impl Drop for Listens {
    fn drop(&mut self) {
        self.net.shared().listening.remove(&self.local);
        for caller in self.waiting.callers().drain(..) {
            Box::new(caller).reset();
        }
    }
}

#[derive(Debug)]
struct Holds {
    net: Net,
    local: SocketAddr,
    _counted: Counted,
}

impl Held for Holds {
    fn local(&self) -> SocketAddr {
        self.local
    }
}

impl Drop for Holds {
    fn drop(&mut self) {
        self.net.shared().held.remove(&self.local);
    }
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Wire {
    peer: SocketAddr,
    local: SocketAddr,
    stream: DuplexStream,
    /// Reset, by either end.
    broken: Arc<AtomicBool>,
    _counted: Option<Counted>,
}

impl Wire {
    fn check(&self) -> io::Result<()> {
        match self.broken.load(Ordering::Relaxed) {
            true => Err(io::ErrorKind::ConnectionReset.into()),
            false => Ok(()),
        }
    }
}

impl Connection for Wire {
    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn local(&self) -> SocketAddr {
        self.local
    }

    fn reset(self: Box<Self>) {
        self.broken.store(true, Ordering::Relaxed);
    }

    fn send_file<'a>(
        &'a mut self,
        file: &'a Arc<File>,
        offset: u64,
        length: u64,
    ) -> BoxFuture<'a, io::Result<u64>> {
        thirdhost_sockets::copy_file(self, file, offset, length).boxed()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// One more open socket, until it is dropped.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
