//! What befalls the network: cuts, resets, silence, slowness, and the death of processes.

use std::io;
use std::net::{IpAddr, SocketAddr};

use super::Net;
use super::state::State;
use super::wire::Side;

/// How everything at a host ends at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Death {
    /// The process dies; the system closes what it leaves.
    Process,
    /// The power fails: nobody is told, and the host is silent until it is on again.
    Power,
}

impl Net {
    /// Nothing gets through from one host to the other; the way back is another matter.
    pub(crate) fn cut(&self, from: IpAddr, to: IpAddr) {
        self.lock().cuts.insert((from, to));
    }

    /// All links are whole and as fast as ever. Connections that went silent stay so.
    pub(crate) fn heal_links(&self) {
        let mut state = self.lock();
        state.cuts.clear();
        state.slow.clear();
        state.sluggish.clear();
        state.weather.loss = 0;
        state.exhausted.clear();
        for waiting in state.listeners.values_mut() {
            if let Some(waker) = waiting.waker.take() {
                waker.wake();
            }
        }
    }

    /// A host has no descriptor left for one more socket.
    pub(crate) fn exhaust(&self, host: IpAddr) {
        self.lock().exhausted.insert(host);
    }

    /// Packets of a host take so much longer from now on.
    pub(crate) fn slow(&self, host: IpAddr, by: u64) {
        self.lock().slow.insert(host, by);
    }

    /// Processes of a host read little at a time, and rest so long in between, from now on.
    pub(crate) fn tire(&self, host: IpAddr, rest: u64) {
        self.lock().sluggish.insert(host, rest);
    }

    /// A box in the middle resets one connection of a host, or lets it go silent, if there is one.
    pub(crate) fn spoil(&self, host: IpAddr, silently: bool) {
        self.act(|state| state.spoil(host, silently));
    }

    /// Everything of a host's processes ends.
    pub(crate) fn kill(&self, host: IpAddr, death: Death) {
        self.act(|state| state.kill(host, death));
    }

    /// The server of a host ends its sessions, whatever they are at, when it has waited enough.
    pub(crate) fn drains(&self, host: IpAddr) {
        self.lock().draining.insert(host);
    }

    /// The power is back.
    pub(crate) fn power_on(&self, host: IpAddr) {
        let mut state = self.lock();
        state.off.remove(&host);
        state.draining.remove(&host);
    }
}

impl State {
    fn spoil(&mut self, host: IpAddr, silently: bool) {
        let has = |wire: &&u64| {
            self.wires
                .get(wire)
                .is_some_and(|wire| wire.is_taken && wire.open_at(host) > 0)
        };
        let all: Vec<u64> = self.wires.keys().filter(has).copied().collect();
        let Some(id) = self.chance.pick(&all).copied() else {
            return;
        };
        let Some(wire) = self.wires.get_mut(&id) else {
            return;
        };
        let (from, to) = (wire.caller.address, wire.callee.address);
        self.trace
            .note(format_args!("spoil {from} {to} silently {silently}"));
        if silently {
            wire.is_silent = true;
            return;
        }
        for side in Side::BOTH {
            wire.end_mut(side).fail(io::ErrorKind::ConnectionReset);
        }
        self.tidy(id);
    }

    fn kill(&mut self, host: IpAddr, death: Death) {
        let listening: Vec<SocketAddr> = self.listeners.keys().copied().collect();
        for at in listening.into_iter().filter(|at| at.ip() == host) {
            self.unlisten(at);
        }
        self.held.retain(|_, at| at.ip() != host);
        let ids: Vec<u64> = self.wires.keys().copied().collect();
        for id in ids {
            for side in Side::BOTH {
                self.kill_end(id, side, host, death);
            }
        }
        if death == Death::Power {
            self.off.insert(host);
        }
    }

    fn kill_end(&mut self, id: u64, side: Side, host: IpAddr, death: Death) {
        let Some(wire) = self.wires.get_mut(&id) else {
            return;
        };
        if side == Side::Callee && wire.callee.address.ip() == host {
            // What is owed is owed no more.
            wire.dialogue = None;
        }
        let end = wire.end_mut(side);
        if end.address.ip() != host || end.is_closed {
            return;
        }
        match death {
            Death::Process => {
                let resets = end.resets_on_death;
                self.let_go(id, side, resets);
            }
            Death::Power => {
                end.is_closed = true;
                end.said_fin = true;
                end.inbox.clear();
                end.flight.clear();
                end.wake();
                self.tidy(id);
            }
        }
    }

    /// Closes a listening socket; who waits at it is reset.
    pub(super) fn unlisten(&mut self, at: SocketAddr) {
        let Some(waiting) = self.listeners.remove(&at) else {
            return;
        };
        self.trace.note(format_args!("no longer listen {at}"));
        for id in waiting.queue {
            self.let_go(id, Side::Callee, true);
        }
    }
}
