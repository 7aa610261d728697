//! What happens when a packet arrives, or does not.

use std::io;

use super::state::State;
use super::wire::{Side, What, Wire};

/// Something that is due.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// A call comes to its target.
    Syn(u64),
    /// The answer to a call comes back: taken or refused.
    Answer(u64, bool),
    /// The target hears that the caller has heard it.
    Ack(u64),
    /// The head of what an end has sent comes to the other.
    Arrive(u64, Side),
    /// A reset comes to an end.
    Rst(u64, Side),
    /// A slow reader looks again.
    Look(u64, Side),
}

impl State {
    /// Lets everything happen that is due; returns when the next is.
    pub(super) fn run_due(&mut self) -> Option<u64> {
        let now = self.now();
        while let Some(entry) = self.events.first_entry() {
            let (at, _) = *entry.key();
            if at > now {
                return Some(at);
            }
            match entry.remove() {
                Event::Syn(id) => self.syn(id),
                Event::Answer(id, taken) => self.answer(id, taken),
                Event::Ack(id) => self.ack(id),
                Event::Arrive(id, from) => self.arrive(id, from),
                Event::Rst(id, to) => self.rst(id, to),
                Event::Look(id, side) => self.look(id, side),
            }
            if self.goal.is_some_and(|goal| self.arrived >= goal) {
                // Somebody wants to act just now.
                return self.next_due();
            }
        }
        None
    }

    fn syn(&mut self, id: u64) {
        let Some(wire) = self.wires.get(&id) else {
            return;
        };
        let (from, to) = (wire.caller.address, wire.callee.address);
        if wire.caller.is_closed {
            self.wires.remove(&id);
            return;
        }
        let is_lost = self.is_lost(wire, Side::Caller);
        let listener = self.listeners.get_mut(&to);
        let is_full = listener
            .as_ref()
            .is_some_and(|waiting| waiting.queue.len() >= waiting.backlog);
        if is_lost || is_full {
            return self.syn_again(id);
        }
        self.arrived += 1;
        let is_taken = listener.is_some();
        self.trace
            .note(format_args!("syn {from} -> {to} taken {is_taken}"));
        let at = self.now() + self.delay(to.ip(), from.ip());
        self.schedule(at, Event::Answer(id, is_taken));
    }

    /// After 1, 2, 4 … s, and after two minutes no more.
    fn syn_again(&mut self, id: u64) {
        let now = self.now();
        let Some(wire) = self.wires.get_mut(&id) else {
            return;
        };
        wire.tries += 1;
        if wire.tries > SYN_TRIES {
            self.answered(id, Err(io::ErrorKind::TimedOut.into()));
            return;
        }
        let again = now + (500 << wire.tries);
        self.schedule(again, Event::Syn(id));
    }

    fn answer(&mut self, id: u64, taken: bool) {
        let Some(wire) = self.wires.get(&id) else {
            return;
        };
        if self.is_lost(wire, Side::Callee) {
            let at = self.now() + RETRY_FIRST;
            return self.schedule(at, Event::Answer(id, taken));
        }
        self.arrived += 1;
        if !taken {
            return self.answered(id, Err(io::ErrorKind::ConnectionRefused.into()));
        }
        let (from, to) = (wire.caller.address, wire.callee.address);
        let at = self.now() + self.delay(from.ip(), to.ip());
        self.schedule(at, Event::Ack(id));
        self.answered(id, Ok(()));
    }

    /// The call stands at both ends: whoever listens may accept it.
    fn ack(&mut self, id: u64) {
        let Some(wire) = self.wires.get(&id) else {
            return;
        };
        if wire.is_taken {
            return;
        }
        if self.is_lost(wire, Side::Caller) {
            let at = self.now() + RETRY_FIRST;
            return self.schedule(at, Event::Ack(id));
        }
        self.take(id);
    }

    fn take(&mut self, id: u64) {
        let Some(wire) = self.wires.get_mut(&id) else {
            return;
        };
        wire.is_taken = true;
        match self.listeners.get_mut(&wire.callee.address) {
            Some(waiting) => {
                waiting.queue.push_back(id);
                if let Some(waker) = waiting.waker.take() {
                    waker.wake();
                }
            }
            None => self.let_go(id, Side::Callee, true),
        }
    }

    fn answered(&mut self, id: u64, result: io::Result<()>) {
        let Some(wire) = self.wires.get_mut(&id) else {
            return;
        };
        let is_error = result.is_err();
        if let Some(calling) = wire.calling.take() {
            // Whoever called may have given up.
            drop(calling.send(result));
        }
        if is_error {
            self.wires.remove(&id);
        }
    }

    fn arrive(&mut self, id: u64, from: Side) {
        let now = self.now();
        let to = from.opposite();
        let Some(wire) = self.wires.get(&id) else {
            return;
        };
        let is_lost = self.is_lost(wire, from);
        if !wire.is_taken && !is_lost {
            // Bytes tell the target as well as an acknowledgement does.
            self.take(id);
        }
        let Some(wire) = self.wires.get(&id) else {
            return;
        };
        // A socket that is closed answers bytes with a reset, which may get lost too.
        let is_vain = wire.end(to).is_closed && wire.end(from).flight.iter().any(is_data);
        let answer_lost = is_vain && self.is_lost(wire, to);
        let Some(wire) = self.wires.get_mut(&id) else {
            return;
        };
        let end = wire.end_mut(from);
        end.is_armed = false;
        if end.flight.is_empty() {
            return self.tidy(id);
        }
        if is_lost || answer_lost {
            return self.lost(id, from);
        }
        end.lost_since = None;
        end.backoff = 0;
        if is_vain {
            end.flight.clear();
            let (here, there) = (wire.end(from).address, wire.end(to).address);
            let at = now + self.delay(there.ip(), here.ip());
            self.schedule(at, Event::Rst(id, from));
            return;
        }
        let mut due = Vec::new();
        while let Some(packet) = end.flight.pop_front_if(|packet| packet.at <= now) {
            due.push(packet.what);
        }
        let next = end.flight.front().map(|packet| packet.at);
        end.is_armed = next.is_some();
        let addresses = (end.address, wire.end(to).address);
        let far = wire.end_mut(to);
        for what in due {
            self.arrived += 1;
            let (here, there) = addresses;
            match what {
                What::Bytes(bytes) => {
                    let count = bytes.len();
                    self.trace
                        .note(format_args!("{here} -> {there} {count} bytes"));
                    far.inbox.extend(bytes);
                }
                What::Fin => {
                    self.trace.note(format_args!("{here} -> {there} fin"));
                    far.heard_fin = true;
                }
            }
        }
        if let Some(reader) = far.reader.take() {
            reader.wake();
        }
        if let Some(at) = next {
            self.schedule(at, Event::Arrive(id, from));
        }
        self.tidy(id);
    }

    /// TCP sends again, less and less often, and gives up after a quarter of an hour.
    fn lost(&mut self, id: u64, from: Side) {
        let now = self.now();
        let Some(wire) = self.wires.get_mut(&id) else {
            return;
        };
        let end = wire.end_mut(from);
        let since = *end.lost_since.get_or_insert(now);
        if now - since > GIVE_UP {
            end.fail(io::ErrorKind::TimedOut);
            return self.tidy(id);
        }
        end.backoff = (end.backoff * 2).clamp(RETRY_FIRST, RETRY_MAX);
        let again = now + end.backoff;
        end.is_armed = true;
        self.schedule(again, Event::Arrive(id, from));
    }

    fn rst(&mut self, id: u64, to: Side) {
        let Some(wire) = self.wires.get(&id) else {
            return;
        };
        // A reset is sent once.
        if self.is_lost(wire, to.opposite()) {
            return;
        }
        self.arrived += 1;
        let forgets = self.chance.once_in(4);
        let Some(wire) = self.wires.get_mut(&id) else {
            return;
        };
        let at = wire.end(to).address;
        self.trace.note(format_args!("reset at {at}"));
        let end = wire.end_mut(to);
        if forgets {
            end.inbox.clear();
        }
        end.fail(io::ErrorKind::ConnectionReset);
        self.tidy(id);
    }

    fn look(&mut self, id: u64, side: Side) {
        let end = self.wires.get_mut(&id).map(|wire| wire.end_mut(side));
        if let Some(reader) = end.and_then(|end| end.reader.take()) {
            reader.wake();
        }
    }

    /// Whether a packet of an end does not get to the other, this time.
    fn is_lost(&self, wire: &Wire, from: Side) -> bool {
        let (here, there) = (wire.end(from).address, wire.end(from.opposite()).address);
        let loss = self.weather.loss;
        wire.is_silent
            || self.is_cut(here.ip(), there.ip())
            || (loss > 0 && self.chance.once_in(loss))
    }
}

fn is_data(packet: &super::wire::Packet) -> bool {
    matches!(packet.what, What::Bytes(_))
}

/// Linux's tcp_syn_retries.
const SYN_TRIES: u32 = 6;

/// The first pause before a packet is sent again, in milliseconds.
const RETRY_FIRST: u64 = 1_000;

/// The longest such pause.
const RETRY_MAX: u64 = 120_000;

/// When TCP gives a connection up (Linux's tcp_retries2).
const GIVE_UP: u64 = 924_000;
