//! A virtual network: hosts and ports, connections whose bytes take time, and what befalls them.
//!
//! Every packet is an event at a moment of virtual time. What a packet meets is decided when it
//! arrives: a cut link loses it and TCP sends it again, a host that is off is silent, a closed
//! socket answers with a reset. Bytes of one connection keep their order; packets of different
//! connections do not.

mod connection;
mod events;
mod host;
mod state;
mod trouble;
mod wire;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use self::state::State;
use crate::chance::Chance;
use crate::sabotage::Sabotage;
use crate::trace::Trace;

pub(crate) use self::host::HostNetwork;
pub(crate) use self::trouble::Death;

/// The network. Clones are views of the same.
#[derive(Clone, Debug)]
pub(crate) struct Net {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// An event was put before all others.
    alarm: Notify,
    /// So many packets have arrived as somebody waits for.
    reached: Notify,
}

/// What the network is like.
#[derive(Clone, Debug)]
pub(crate) struct Weather {
    /// The longest a packet takes, in milliseconds, if nothing happens.
    pub(crate) latency_max: u64,
    /// How much more it may take, so that packets of different connections overtake each other.
    pub(crate) jitter_max: u64,
    /// How many bytes of a connection may be under way.
    pub(crate) window: usize,
    /// Into how many packets one write is cut at most.
    pub(crate) pieces_max: usize,
    /// Whether a pair of sockets is unusable for a minute after an orderly end.
    pub(crate) time_wait: bool,
    /// One packet in so many gets lost, until the links are mended; none if 0.
    pub(crate) loss: u64,
}

/// Who is who, for the oracle.
#[derive(Clone, Debug)]
pub(crate) struct Parties {
    pub(crate) servers: [IpAddr; 2],
    /// With whom a server may exchange bytes of files.
    pub(crate) named: [IpAddr; 3],
    pub(crate) control_port: u16,
}

impl Net {
    pub(crate) fn new(
        chance: Chance,
        trace: Trace,
        weather: Weather,
        parties: Parties,
        sabotage: Option<Sabotage>,
    ) -> Self {
        let state = State::new(chance, trace, weather, parties, sabotage);
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                alarm: Notify::new(),
                reached: Notify::new(),
            }),
        }
    }

    /// The network as a process at `address` has it.
    pub(crate) fn host(&self, address: IpAddr) -> HostNetwork {
        HostNetwork::new(self.clone(), address, false)
    }

    /// The network as a process at `address` has it that nobody has named.
    pub(crate) fn stranger(&self, address: IpAddr) -> HostNetwork {
        HostNetwork::new(self.clone(), address, true)
    }

    /// What is done wrong on purpose in this world.
    pub(crate) fn sabotage(&self) -> Option<Sabotage> {
        self.lock().sabotage
    }

    /// Lets packets arrive, until dropped.
    pub(crate) async fn run(self) {
        let origin = self.lock().origin;
        loop {
            let next = self.lock().run_due();
            let alarm = self.shared.alarm.notified();
            if self.lock().is_goal_reached() {
                self.shared.reached.notify_one();
            }
            match next {
                None => alarm.await,
                Some(at) => tokio::select! {
                    biased;
                    () = alarm => {}
                    () = sleep_until(origin + Duration::from_millis(at)) => {}
                },
            }
        }
    }

    /// Waits until so many packets have arrived since the beginning.
    pub(crate) async fn reaches(&self, packets: u64) {
        self.lock().goal = Some(packets);
        self.shared.alarm.notify_one();
        self.shared.reached.notified().await;
    }

    /// How many sockets a host has: connections, listeners, held ports.
    pub(crate) fn sockets_of(&self, host: IpAddr) -> (usize, usize, usize) {
        let state = self.lock();
        let connections = state.wires.values().map(|wire| wire.open_at(host)).sum();
        let at = |address: &&SocketAddr| address.ip() == host;
        let listeners = state.listeners.keys().filter(at).count();
        let held = state.held.values().filter(at).count();
        (connections, listeners, held)
    }

    /// The ports on which a host listens.
    pub(crate) fn listening_at(&self, host: IpAddr) -> Vec<SocketAddr> {
        let state = self.lock();
        let listeners = state.listeners.keys();
        listeners.filter(|at| at.ip() == host).copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the state, and wakes the network if something is due earlier now.
    fn act<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let before = state.next_due();
        let done = act(&mut state);
        let after = state.next_due();
        drop(state);
        let is_sooner = after.is_some() && before.is_none_or(|before| after < Some(before));
        if is_sooner {
            self.shared.alarm.notify_one();
        }
        done
    }
}

/// The origin of a network's time.
fn origin() -> Instant {
    Instant::now()
}
