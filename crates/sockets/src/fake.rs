//! A network that does what a test tells it, for the rules that need no kernel.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, pending, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::{Connection, Denied, Held, Listener, Network, PeerQuestion, Policy, Random, World};

/// What becomes of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Answered,
    Fails(io::ErrorKind),
    Silence,
}

/// Does what the script says; afterwards every call is refused and nobody calls.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// What becomes of each call.
    pub(crate) calls: Mutex<VecDeque<Outcome>>,
    /// Who calls whoever listens, and waits in its backlog if there is room.
    pub(crate) callers: Mutex<VecDeque<SocketAddr>>,
    /// Ports of other processes.
    pub(crate) taken: Vec<u16>,
    /// What every bind fails with.
    pub(crate) refused: Option<io::ErrorKind>,
    /// Whether a held port cannot listen as well: so it is where the system is not Linux.
    pub(crate) held_alone: bool,
    /// Ports that are held.
    pub(crate) held: Arc<Mutex<Vec<u16>>>,
    /// When, from where and whom we called.
    pub(crate) called: Mutex<Vec<Called>>,
    /// Callers that were reset.
    pub(crate) reset: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Script {
    pub(crate) fn of_calls(calls: impl IntoIterator<Item = Outcome>) -> Self {
        Self {
            calls: Mutex::new(calls.into_iter().collect()),
            ..Self::default()
        }
    }

    pub(crate) fn of_callers(callers: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self {
            callers: Mutex::new(callers.into_iter().collect()),
            ..Self::default()
        }
    }

    /// A world with this network, tokio's clock and predictable numbers.
    pub(crate) fn world(self) -> (World, Arc<Self>) {
        let script = Arc::new(self);
        let World { clock, threads, .. } = World::real();
        let began = Instant::now();
        let network = Arc::new(FakeNetwork {
            script: Arc::clone(&script),
            began,
        });
        (
            World {
                network,
                clock,
                random: Arc::new(Seeded::new(7)),
                threads,
            },
            script,
        )
    }

    fn bind(&self, local: SocketAddr) -> io::Result<FakeSocket> {
        if let Some(kind) = self.refused {
            return Err(kind.into());
        }
        let is_held = self.held_alone && self.held.lock().unwrap().contains(&local.port());
        if is_held || self.taken.contains(&local.port()) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        Ok(FakeSocket { local })
    }

    fn connection(&self, peer: SocketAddr) -> Box<dyn Connection> {
        Box::new(FakeConnection {
            peer,
            reset: Arc::clone(&self.reset),
        })
    }
}

#[derive(Debug)]
struct FakeNetwork {
    script: Arc<Script>,
    began: Instant,
}

impl Network for FakeNetwork {
    fn listen(&self, local: SocketAddr, backlog: u32) -> io::Result<Box<dyn Listener>> {
        let socket = self.script.bind(local)?;
        let mut callers = self.script.callers.lock().unwrap();
        callers.truncate(usize::try_from(backlog).unwrap());
        drop(callers);
        Ok(Box::new(FakeListener {
            socket,
            script: Arc::clone(&self.script),
        }))
    }

    fn hold(&self, local: SocketAddr) -> io::Result<Box<dyn Held>> {
        let socket = self.script.bind(local)?;
        let held = Arc::clone(&self.script.held);
        held.lock().unwrap().push(local.port());
        Ok(Box::new(FakeHeld { socket, held }))
    }

    fn call(
        &self,
        from: Option<SocketAddr>,
        peer: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Box<dyn Connection>>> {
        let called = Called {
            after: self.began.elapsed(),
            from,
            peer,
        };
        self.script.called.lock().unwrap().push(called);
        let outcome = self.script.calls.lock().unwrap().pop_front();
        match outcome.unwrap_or(Outcome::Fails(io::ErrorKind::ConnectionRefused)) {
            Outcome::Answered => ready(Ok(self.script.connection(peer))).boxed(),
            Outcome::Fails(kind) => ready(Err(kind.into())).boxed(),
            Outcome::Silence => pending().boxed(),
        }
    }
}

/// A call that was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Called {
    pub(crate) after: Duration,
    pub(crate) from: Option<SocketAddr>,
    pub(crate) peer: SocketAddr,
}

#[derive(Debug)]
struct FakeSocket {
    local: SocketAddr,
}

#[derive(Debug)]
struct FakeHeld {
    socket: FakeSocket,
    held: Arc<Mutex<Vec<u16>>>,
}

impl Held for FakeHeld {
    fn local(&self) -> SocketAddr {
        self.socket.local
    }
}

impl Drop for FakeHeld {
    fn drop(&mut self) {
        let port = self.socket.local.port();
        self.held.lock().unwrap().retain(|held| *held != port);
    }
}

#[derive(Debug)]
struct FakeListener {
    socket: FakeSocket,
    script: Arc<Script>,
}

impl Listener for FakeListener {
    fn local(&self) -> SocketAddr {
        self.socket.local
    }

    fn accept(&self) -> BoxFuture<'_, io::Result<Box<dyn Connection>>> {
        match self.accept_waiting() {
            Some(connection) => ready(Ok(connection)).boxed(),
            None => pending().boxed(),
        }
    }

    fn accept_waiting(&self) -> Option<Box<dyn Connection>> {
        let caller = self.script.callers.lock().unwrap().pop_front()?;
        Some(self.script.connection(caller))
    }
}

#[derive(Debug)]
struct FakeConnection {
    peer: SocketAddr,
    reset: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Connection for FakeConnection {
    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn local(&self) -> SocketAddr {
        socket(1, 1)
    }

    fn reset(self: Box<Self>) {
        self.reset.lock().unwrap().push(self.peer);
    }

    fn send_file<'a>(
        &'a mut self,
        _file: &'a Arc<File>,
        _offset: u64,
        _length: u64,
    ) -> BoxFuture<'a, io::Result<u64>> {
        ready(Ok(0)).boxed()
    }
}

impl AsyncRead for FakeConnection {
    fn poll_read(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        panic!("a rule of the allocator read from a connection");
    }
}

impl AsyncWrite for FakeConnection {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        panic!("a rule of the allocator wrote to a connection");
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Admits every peer until a number of questions has been asked, then none.
#[derive(Debug)]
pub(crate) struct Admits {
    left: Mutex<usize>,
    pub(crate) asked: Mutex<Vec<PeerQuestion>>,
}

impl Admits {
    pub(crate) fn all() -> Self {
        Self::first(usize::MAX)
    }

    pub(crate) fn first(count: usize) -> Self {
        Self {
            left: Mutex::new(count),
            asked: Mutex::default(),
        }
    }
}

impl Policy for Admits {
    fn admit(&self, question: &PeerQuestion) -> Result<(), Denied> {
        self.asked.lock().unwrap().push(*question);
        let mut left = self.left.lock().unwrap();
        if *left == 0 {
            let PeerQuestion {
                peer, direction, ..
            } = *question;
            return Err(Denied::NotGranted { peer, direction });
        }
        *left -= 1;
        Ok(())
    }
}

/// SplitMix64: the same numbers at every run.
#[derive(Debug)]
pub(crate) struct Seeded(Mutex<u64>);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Random for Seeded {
    fn below(&self, bound: u32) -> u32 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mixed = mixed ^ (mixed >> 31);
        u32::try_from(((mixed >> 32) * u64::from(bound)) >> 32).unwrap()
    }
}

/// `192.0.2.<host>:<port>`.
pub(crate) fn socket(host: u8, port: u16) -> SocketAddr {
    SocketAddr::new(ip(host), port)
}

/// `192.0.2.<host>`.
pub(crate) fn ip(host: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, host))
}
