//! The real network, with a note of every call that leaves.

use std::io;
use std::net::SocketAddr;
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
}

impl WatchedNetwork {
    /// The real world, watched.
    pub(crate) fn world() -> (World, Self) {
        let real = World::real();
        let watched = Self {
            real: Arc::clone(&real.network),
            calls: Arc::default(),
        };
        let network = Arc::new(watched.clone());
        (World { network, ..real }, watched)
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
        self.real.call(from, peer)
    }
}
