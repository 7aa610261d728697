//! One TCP connection: two ends, and what is under way between them.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::Waker;

use tokio::sync::oneshot;

use crate::dialogue::Dialogue;

/// A connection from the call until both ends have let go of it.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) caller: End,
    pub(super) callee: End,
    /// Told when the call is answered.
    pub(super) calling: Option<oneshot::Sender<io::Result<()>>>,
    /// Whether the target knows that the call stands, so that it may be accepted.
    pub(super) is_taken: bool,
    /// The caller's process has not heard yet that the call stands.
    pub(super) is_calling: bool,
    /// How often SYN was sent.
    pub(super) tries: u32,
    /// No packet gets through, in either direction, and nobody is told.
    pub(super) is_silent: bool,
    /// Made by a process that nobody has named.
    pub(super) is_strange: bool,
    /// What is said on it, if it is a control connection.
    pub(super) dialogue: Option<Dialogue>,
}

/// Which end.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Side {
    Caller,
    Callee,
}

/// One end.
#[derive(Debug)]
pub(super) struct End {
    pub(super) address: SocketAddr,
    /// Arrived and not yet read.
    pub(super) inbox: VecDeque<u8>,
    /// The far end has said that it will say no more.
    pub(super) heard_fin: bool,
    pub(super) error: Option<io::ErrorKind>,
    /// Bytes sent that the far end has not read yet.
    pub(super) outstanding: usize,
    /// Sent from here, and not yet arrived.
    pub(super) flight: VecDeque<Packet>,
    pub(super) said_fin: bool,
    /// The process has let go of it.
    pub(super) is_closed: bool,
    pub(super) resets_on_death: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
    /// Since when packets from here are lost.
    pub(super) lost_since: Option<u64>,
    pub(super) backoff: u64,
    /// Until when a slow reader reads no more.
    pub(super) rests_until: u64,
    /// An event for the head of the flight is due.
    pub(super) is_armed: bool,
}

#[derive(Debug)]
pub(super) struct Packet {
    pub(super) at: u64,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Bytes(Vec<u8>),
    Fin,
}

impl Wire {
    pub(super) fn new(from: SocketAddr, to: SocketAddr) -> Self {
        Self {
            caller: End::at(from),
            callee: End::at(to),
            calling: None,
            is_taken: false,
            is_calling: true,
            tries: 0,
            is_silent: false,
            is_strange: false,
            dialogue: None,
        }
    }

    pub(super) fn end(&self, side: Side) -> &End {
        match side {
            Side::Caller => &self.caller,
            Side::Callee => &self.callee,
        }
    }

    pub(super) fn end_mut(&mut self, side: Side) -> &mut End {
        match side {
            Side::Caller => &mut self.caller,
            Side::Callee => &mut self.callee,
        }
    }

    /// How many ends a process of `host` has open.
    pub(super) fn open_at(&self, host: IpAddr) -> usize {
        let is_there = |end: &End| end.address.ip() == host && !end.is_closed;
        usize::from(is_there(&self.caller)) + usize::from(self.is_taken && is_there(&self.callee))
    }

    /// Whether nothing is left of it.
    pub(super) fn is_over(&self) -> bool {
        let is_over = |end: &End| end.is_closed && end.flight.is_empty();
        is_over(&self.caller) && (is_over(&self.callee) || !self.is_taken)
    }
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Caller, Self::Callee];

    pub(super) fn opposite(self) -> Self {
        match self {
            Self::Caller => Self::Callee,
            Self::Callee => Self::Caller,
        }
    }
}

impl End {
    fn at(address: SocketAddr) -> Self {
        Self {
            address,
            inbox: VecDeque::new(),
            heard_fin: false,
            error: None,
            outstanding: 0,
            flight: VecDeque::new(),
            said_fin: false,
            is_closed: false,
            resets_on_death: false,
            reader: None,
            writer: None,
            lost_since: None,
            backoff: 0,
            rests_until: 0,
            is_armed: false,
        }
    }

    /// Lets whoever waits here look again.
    pub(super) fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()]
            .into_iter()
            .flatten()
        {
            waker.wake();
        }
    }

    /// Ends it with an error; what is under way from here is gone.
    pub(super) fn fail(&mut self, error: io::ErrorKind) {
        self.error.get_or_insert(error);
        self.flight.clear();
        self.wake();
    }
}
