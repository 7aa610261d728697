//! All that the network knows, and the rules of ports, calls and closing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::Waker;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::events::Event;
use super::wire::{Packet, Side, What, Wire};
use super::{Parties, Weather, origin};
use crate::chance::Chance;
use crate::dialogue::Dialogue;
use crate::sabotage::Sabotage;
use crate::trace::Trace;

#[derive(Debug)]
pub(super) struct State {
    pub(super) origin: Instant,
    pub(super) chance: Chance,
    pub(super) trace: Trace,
    pub(super) weather: Weather,
    pub(super) parties: Parties,
    pub(super) sabotage: Option<Sabotage>,
    pub(super) events: BTreeMap<(u64, u64), Event>,
    pub(super) wires: BTreeMap<u64, Wire>,
    pub(super) listeners: BTreeMap<SocketAddr, Waiting>,
    pub(super) held: BTreeMap<u64, SocketAddr>,
    /// Directions in which nothing gets through.
    pub(super) cuts: BTreeSet<(IpAddr, IpAddr)>,
    /// Hosts without power.
    pub(super) off: BTreeSet<IpAddr>,
    /// How much longer packets of a host take.
    pub(super) slow: BTreeMap<IpAddr, u64>,
    /// Hosts whose processes read little at a time, and how long they rest in between.
    pub(super) sluggish: BTreeMap<IpAddr, u64>,
    /// Hosts that have no descriptor left for one more socket.
    pub(super) exhausted: BTreeSet<IpAddr>,
    /// Hosts whose server ends its sessions when the time to drain is over.
    pub(super) draining: BTreeSet<IpAddr>,
    /// Pairs of sockets that are in TIME-WAIT, and until when.
    pub(super) closing: BTreeMap<(SocketAddr, SocketAddr), u64>,
    /// How long packets take between two hosts.
    latencies: BTreeMap<(IpAddr, IpAddr), u64>,
    /// Packets that have arrived.
    pub(super) arrived: u64,
    pub(super) goal: Option<u64>,
    next: u64,
}

/// A listening socket and who waits at it.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) number: u64,
    pub(super) queue: VecDeque<u64>,
    pub(super) backlog: usize,
    pub(super) waker: Option<Waker>,
}

impl State {
    pub(super) fn new(
        chance: Chance,
        trace: Trace,
        weather: Weather,
        parties: Parties,
        sabotage: Option<Sabotage>,
    ) -> Self {
        Self {
            origin: origin(),
            chance,
            trace,
            weather,
            parties,
            sabotage,
            events: BTreeMap::new(),
            wires: BTreeMap::new(),
            listeners: BTreeMap::new(),
            held: BTreeMap::new(),
            cuts: BTreeSet::new(),
            off: BTreeSet::new(),
            slow: BTreeMap::new(),
            sluggish: BTreeMap::new(),
            exhausted: BTreeSet::new(),
            draining: BTreeSet::new(),
            closing: BTreeMap::new(),
            latencies: BTreeMap::new(),
            arrived: 0,
            goal: None,
            next: 0,
        }
    }

    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// A number that nothing else has.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// How long a packet takes that leaves now.
    pub(super) fn delay(&mut self, from: IpAddr, to: IpAddr) -> u64 {
        let Weather {
            latency_max,
            jitter_max,
            ..
        } = self.weather;
        let pair = (from.min(to), from.max(to));
        let chance = &self.chance;
        let latency = *self
            .latencies
            .entry(pair)
            .or_insert_with(|| chance.below(latency_max + 1));
        let slow = |host| self.slow.get(&host).copied().unwrap_or(0);
        latency + self.chance.below(jitter_max + 1) + slow(from) + slow(to)
    }

    pub(super) fn is_cut(&self, from: IpAddr, to: IpAddr) -> bool {
        self.cuts.contains(&(from, to)) || self.off.contains(&from) || self.off.contains(&to)
    }

    /// Binds a port of `host`: the one that is wanted, or one that is free.
    pub(super) fn bind(&mut self, host: IpAddr, wanted: SocketAddr) -> io::Result<SocketAddr> {
        if self.exhausted.contains(&host) {
            return Err(io::Error::from_raw_os_error(EMFILE));
        }
        if wanted.ip() != host && !wanted.ip().is_unspecified() {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        if wanted.port() != 0 {
            return Ok(SocketAddr::new(host, wanted.port()));
        }
        let tries = std::iter::repeat_with(|| EPHEMERAL_FIRST + self.chance.below(EPHEMERAL_COUNT));
        let ports = tries.take(BIND_TRIES).filter_map(|p| u16::try_from(p).ok());
        let candidates = ports.map(|port| SocketAddr::new(host, port));
        candidates
            .into_iter()
            .find(|at| !self.listeners.contains_key(at) && !self.held.values().any(|h| h == at))
            .ok_or_else(|| io::ErrorKind::AddrInUse.into())
    }

    /// A call leaves.
    pub(super) fn call(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        is_strange: bool,
    ) -> io::Result<(u64, oneshot::Receiver<io::Result<()>>)> {
        if self.listeners.contains_key(&from) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let now = self.now();
        self.closing.retain(|_, until| *until > now);
        let is_same = |wire: &&Wire| wire.caller.address == from && wire.callee.address == to;
        let is_busy = self.wires.values().filter(is_same).any(|w| !w.is_over());
        if is_busy || self.closing.contains_key(&(from, to)) {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        self.trace.note(format_args!("call {from} -> {to}"));
        let Parties { servers, named, .. } = self.parties;
        if servers.contains(&from.ip()) && !named.contains(&to.ip()) {
            self.trace
                .broken(format_args!("I6: {from} called {to}, which nobody named"));
        }
        let (tell, told) = oneshot::channel();
        let id = self.number();
        let mut wire = Wire::new(from, to);
        wire.calling = Some(tell);
        wire.is_strange = is_strange;
        let is_control = to.port() == self.parties.control_port && servers.contains(&to.ip());
        wire.dialogue = is_control.then(|| Dialogue::new(to, from, self.trace.clone()));
        self.wires.insert(id, wire);
        let at = now + self.delay(from.ip(), to.ip());
        self.schedule(at, Event::Syn(id));
        Ok((id, told))
    }

    /// A process lets go of its end.
    pub(super) fn let_go(&mut self, id: u64, side: Side, resets: bool) {
        let Some(wire) = self.wires.get_mut(&id) else {
            return;
        };
        if wire.end(side).is_closed {
            return;
        }
        if side == Side::Callee
            && let Some(dialogue) = &wire.dialogue
        {
            let end = &wire.callee;
            let by_server = !end.heard_fin
                && end.error.is_none()
                && wire.is_taken
                && !wire.is_strange
                // A user who does not read is left when the time is over.
                && end.outstanding < self.weather.window
                && !self.draining.contains(&end.address.ip());
            dialogue.closed(by_server && !resets);
        }
        let is_taken = wire.is_taken || (side == Side::Caller && wire.calling.is_none());
        // A call that is given up must not look like a connection that was ended.
        let resets = resets || (side == Side::Caller && wire.is_calling);
        let end = wire.end_mut(side);
        end.is_closed = true;
        end.reader = None;
        end.writer = None;
        // A socket closed with bytes unread is reset, as Linux does it.
        let resets = resets || !end.inbox.is_empty();
        let is_alive = end.error.is_none() && (is_taken || side == Side::Caller);
        end.inbox.clear();
        let (from, to) = (end.address, wire.end(side.opposite()).address);
        if is_alive && resets {
            wire.end_mut(side).flight.clear();
            let at = self.now() + self.delay(from.ip(), to.ip());
            self.schedule(at, Event::Rst(id, side.opposite()));
        } else if is_alive && is_taken && !wire.end(side).said_fin {
            wire.end_mut(side).said_fin = true;
            self.send(id, side, What::Fin);
        }
        self.tidy(id);
    }

    /// A packet leaves.
    pub(super) fn send(&mut self, id: u64, side: Side, what: What) {
        let Some(wire) = self.wires.get(&id) else {
            return;
        };
        let (from, to) = (wire.end(side).address, wire.end(side.opposite()).address);
        let soonest = self.now() + self.delay(from.ip(), to.ip());
        let Some(wire) = self.wires.get_mut(&id) else {
            return;
        };
        let end = wire.end_mut(side);
        // Bytes of one connection keep their order.
        let at = end.flight.back().map_or(0, |last| last.at).max(soonest);
        end.flight.push_back(Packet { at, what });
        if !end.is_armed {
            end.is_armed = true;
            self.schedule(at, Event::Arrive(id, side));
        }
    }

    /// Forgets a connection that both ends have let go of.
    pub(super) fn tidy(&mut self, id: u64) {
        let Some(wire) = self.wires.get(&id) else {
            return;
        };
        if !wire.is_over() {
            return;
        }
        let pair = (wire.caller.address, wire.callee.address);
        let was_orderly = wire.caller.said_fin && wire.callee.said_fin;
        let is_clean = wire.caller.error.is_none() && wire.callee.error.is_none();
        // Who closed first is not known any more; the caller keeps the pair busy half the time.
        if self.weather.time_wait && was_orderly && is_clean && self.chance.once_in(2) {
            let until = self.now() + TIME_WAIT;
            self.closing.insert(pair, until);
        }
        self.wires.remove(&id);
    }

    pub(super) fn schedule(&mut self, at: u64, event: Event) {
        let number = self.number();
        self.events.insert((at, number), event);
    }

    pub(super) fn next_due(&self) -> Option<u64> {
        self.events.keys().next().map(|(at, _)| *at)
    }

    /// Tells once when as many packets have arrived as somebody waits for.
    pub(super) fn is_goal_reached(&mut self) -> bool {
        let arrived = self.arrived;
        self.goal.take_if(|goal| arrived >= *goal).is_some()
    }
}

/// Too many open files.
pub(super) const EMFILE: i32 = 24;

/// Where ports begin that the system chooses.
const EPHEMERAL_FIRST: u64 = 32_768;

const EPHEMERAL_COUNT: u64 = 16_000;

const BIND_TRIES: usize = 64;

/// Twice the longest life of a segment, as Linux has it, in milliseconds.
const TIME_WAIT: u64 = 60_000;
