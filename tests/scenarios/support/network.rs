//! The real network, with a note of every call that leaves.

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use thirdhost_sockets::{Connection, Held, Listener, Network, World};

/// A call: from where, to whom.
pub(crate) type Call = (Option<SocketAddr>, SocketAddr);

/// A network that remembers whom it called, and from where.
#[derive(Clone, Debug)]
pub(crate) struct WatchedNetwork {
    real: Arc<dyn Network>,
    calls: Arc<Mutex<Vec<Call>>>,
    is_cut: Arc<AtomicBool>,
}

impl WatchedNetwork {
    /// The real world, watched.
    pub(crate) fn world() -> (World, Self) {
        let real = World::real();
        let watched = Self {
            real: Arc::clone(&real.network),
            calls: Arc::default(),
            is_cut: Arc::default(),
        };
        let network = Arc::new(watched.clone());
        (World { network, ..real }, watched)
    }

    /// From now on nobody is reached, and no packet leaves; calls are noted all the same.
    pub(crate) fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
    }

    /// The calls so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

impl Network for WatchedNetwork {
    fn listen(&self, local: SocketAddr, backlog: u32) -> io::Result<Box<dyn Listener>> {
        self.real.listen(local, backlog)
    }

    fn hold(&self, local: SocketAddr) -> io::Result<Box<dyn Held>> {
        self.real.hold(local)
    }

    fn call(
        &self,
        from: Option<SocketAddr>,
        peer: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Box<dyn Connection>>> {
        self.calls.lock().unwrap().push((from, peer));
        if self.is_cut.load(Ordering::SeqCst) {
            return Box::pin(ready(Err(io::ErrorKind::HostUnreachable.into())));
        }
        self.real.call(from, peer)
    }
}
