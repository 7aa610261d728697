//! The network as one process sees it: listen, hold, call.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thirdhost_sockets::{Connection, Held, Listener, Network};

use super::Net;
use super::connection::SimConnection;
use super::state::{EMFILE, Waiting};
use super::wire::Side;
use crate::sabotage::Sabotage;

/// What a process at one host has of the network.
#[derive(Clone, Debug)]
pub(crate) struct HostNetwork {
    net: Net,
    host: IpAddr,
    is_strange: bool,
}

impl HostNetwork {
    pub(super) fn new(net: Net, host: IpAddr, is_strange: bool) -> Self {
        Self {
            net,
            host,
            is_strange,
        }
    }
}

impl Network for HostNetwork {
    fn listen(&self, local: SocketAddr, backlog: u32) -> io::Result<Box<dyn Listener>> {
        let mut state = self.net.lock();
        let local = state.bind(self.host, local)?;
        if state.listeners.contains_key(&local) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let number = state.number();
        let waiting = Waiting {
            number,
            queue: Default::default(),
            backlog: usize::try_from(backlog).unwrap_or(usize::MAX),
            waker: None,
        };
        state.trace.note(format_args!("listen {local}"));
        state.listeners.insert(local, waiting);
        drop(state);
        let net = self.net.clone();
        Ok(Box::new(SimListener { net, local, number }))
    }

    fn hold(&self, local: SocketAddr) -> io::Result<Box<dyn Held>> {
        let mut state = self.net.lock();
        let local = state.bind(self.host, local)?;
        if state.listeners.contains_key(&local) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let number = state.number();
        state.held.insert(number, local);
        drop(state);
        let net = self.net.clone();
        Ok(Box::new(SimHeld { net, local, number }))
    }

    fn call(
        &self,
        from: Option<SocketAddr>,
        peer: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Box<dyn Connection>>> {
        let Self {
            net,
            host,
            is_strange,
        } = self.clone();
        async move {
            let any = SocketAddr::new(host, 0);
            let (from, id, told) = net.act(|state| {
                let from = state.bind(host, from.unwrap_or(any))?;
                let (id, told) = state.call(from, peer, is_strange)?;
                io::Result::Ok((from, id, told))
            })?;
            // Dropped before the answer, the call is given up.
            let connection = SimConnection::new(net, id, Side::Caller, from, peer);
            match told.await {
                Ok(Ok(())) => {
                    connection.stands();
                    Ok(Box::new(connection) as Box<dyn Connection>)
                }
                Ok(Err(error)) => Err(error),
                Err(_) => Err(io::ErrorKind::ConnectionAborted.into()),
            }
        }
        .boxed()
    }
}

#[derive(Debug)]
struct SimListener {
    net: Net,
    local: SocketAddr,
    number: u64,
}

impl SimListener {
    /// The first in the queue; `None` if nobody waits.
    fn next(&self) -> Option<Box<dyn Connection>> {
        let mut state = self.net.lock();
        let id = loop {
            let waiting = state.listeners.get_mut(&self.local);
            let waiting = waiting.filter(|waiting| waiting.number == self.number)?;
            let id = waiting.queue.pop_front()?;
            if state.wires.contains_key(&id) {
                break id;
            }
        };
        let wire = state.wires.get(&id)?;
        let mut peer = wire.caller.address;
        // The mutation takes a stranger for the one who is expected.
        if wire.is_strange && state.sabotage == Some(Sabotage::AdmitsStrangers) {
            let expected = state
                .held
                .values()
                .find(|held| held.ip() != self.local.ip());
            peer = expected.copied().unwrap_or(peer);
        }
        drop(state);
        let net = self.net.clone();
        let connection = SimConnection::new(net, id, Side::Callee, self.local, peer);
        Some(Box::new(connection))
    }

    /// As accept(2): only asked for when somebody waits.
    fn has_descriptor(&self) -> io::Result<()> {
        let state = self.net.lock();
        let waiting = state.listeners.get(&self.local);
        let is_called = waiting.is_some_and(|waiting| !waiting.queue.is_empty());
        if is_called && state.exhausted.contains(&self.local.ip()) {
            return Err(io::Error::from_raw_os_error(EMFILE));
        }
        Ok(())
    }

    fn poll_accept(&self, cx: &Context<'_>) -> Poll<io::Result<Box<dyn Connection>>> {
        if let Err(error) = self.has_descriptor() {
            return Poll::Ready(Err(error));
        }
        if let Some(connection) = self.next() {
            return Poll::Ready(Ok(connection));
        }
        let mut state = self.net.lock();
        match state.listeners.get_mut(&self.local) {
            Some(waiting) if waiting.number == self.number => {
                waiting.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            // The process is dead and does not know it yet.
            _ => Poll::Pending,
        }
    }
}

impl Listener for SimListener {
    fn local(&self) -> SocketAddr {
        self.local
    }

    fn accept(&self) -> BoxFuture<'_, io::Result<Box<dyn Connection>>> {
        poll_fn(|cx| self.poll_accept(cx)).boxed()
    }

    fn accept_waiting(&self) -> Option<Box<dyn Connection>> {
        self.next()
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        let (local, number) = (self.local, self.number);
        self.net.act(|state| {
            let is_own = state.listeners.get(&local).map(|waiting| waiting.number) == Some(number);
            if is_own {
                state.unlisten(local);
            }
        });
    }
}

#[derive(Debug)]
struct SimHeld {
    net: Net,
    local: SocketAddr,
    number: u64,
}

impl Held for SimHeld {
    fn local(&self) -> SocketAddr {
        self.local
    }
}

impl Drop for SimHeld {
    fn drop(&mut self) {
        let mut state = self.net.lock();
        if state.sabotage != Some(Sabotage::KeepsPorts) {
            state.held.remove(&self.number);
        }
    }
}
