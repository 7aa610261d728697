//! Data connections between the servers, and those of the intruder.

use std::net::{IpAddr, SocketAddr};

use thirdhost_proto::third_party::Side;

/// One data connection, from the call to the end of both its ends.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) from: SocketAddr,
    pub(crate) caller: End,
    pub(crate) callee: End,
    /// Which server's certificate the caller shows; the intruder's is nobody's.
    pub(crate) caller_is: Option<Side>,
    /// The same of whoever has accepted.
    pub(crate) callee_is: Option<Side>,
    /// What was put into it, and its end behind that.
    pub(crate) content: Option<Content>,
    /// Reset: whoever reads or writes is told so.
    pub(crate) cut: bool,
}

/// Who holds an end of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// A session's transfer.
    Session(usize),
    /// Nobody yet: it waits in the backlog of this session's socket.
    Waiting(usize),
    Intruder,
    Gone,
}

/// What a file is, as far as the model cares.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Content {
    /// The user's file of this number.
    Users(u8),
    /// What the intruder made up.
    Intruders,
}

impl Connection {
    pub(crate) fn is_held_by(&self, session: usize) -> bool {
        self.caller == End::Session(session) || self.callee == End::Session(session)
    }

    /// Who is at the other end.
    pub(crate) fn far(&self, session: usize) -> End {
        match self.caller {
            End::Session(caller) if caller == session => self.callee,
            caller => caller,
        }
    }

    /// Whose certificate the other end shows.
    pub(crate) fn far_is(&self, session: usize) -> Option<Side> {
        match self.caller {
            End::Session(caller) if caller == session => self.callee_is,
            _ => self.caller_is,
        }
    }

    /// The session lets go of its end.
    pub(crate) fn leave(&mut self, session: usize) {
        for end in [&mut self.caller, &mut self.callee] {
            if matches!(end, End::Session(holder) | End::Waiting(holder) if *holder == session) {
                *end = End::Gone;
            }
        }
    }

    /// Whether nobody of ours has anything to do with it any more.
    pub(crate) fn is_over(&self) -> bool {
        let is_over = |end| matches!(end, End::Gone | End::Intruder);
        is_over(self.caller) && is_over(self.callee)
    }
}

/// Where a server is.
pub(crate) fn host(side: Side) -> IpAddr {
    match side {
        Side::Source => IpAddr::from([192, 0, 2, 1]),
        Side::Destination => IpAddr::from([198, 51, 100, 2]),
    }
}

/// What a server shows in a handshake.
pub(crate) fn certificate(side: Side) -> [u8; 32] {
    match side {
        Side::Source => [1; 32],
        Side::Destination => [2; 32],
    }
}

/// The data ports of a server. The lowest free one is given out: who waits for a certain number to
/// be free gets it.
pub(crate) fn ports(side: Side) -> [u16; 5] {
    match side {
        Side::Source => [51_001, 51_003, 51_005, 51_007, 51_009],
        Side::Destination => [40_002, 40_004, 40_006, 40_008, 40_010],
    }
}

pub(crate) const USER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 5));
pub(crate) const INTRUDER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 66));

/// A port of a host that no server has given out.
pub(crate) const OTHER_PORT: u16 = 6_666;
