//! What can happen next: the whole list, at every moment.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use thirdhost_proto::server::{Outcome, Route};
use thirdhost_proto::third_party::{Side, Wait};
use thirdhost_wire::Direction;

use crate::intruder;
use crate::network::End;
use crate::scene::Sabotage;
use crate::session::{Control, DESTINATION, INTRUDERS, SESSIONS, SOURCE, Session, USERS, Work};
use crate::user::State;
use crate::world::World;

/// One thing that happens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    /// The user's next command arrives.
    Command(Side),
    /// The server's next reply arrives.
    Reply(Side),
    /// The store answers.
    Answer(usize),
    /// The file is open.
    Open(usize),
    /// The call goes out, and arrives.
    Call(usize),
    /// The first in the backlog is looked at.
    Accept(usize),
    /// The file and its end are put into the connection.
    Send(usize),
    /// The sender is done with the connection.
    Sent(usize),
    /// The file is taken out, and stored.
    Receive(usize),
    /// A connection that was reset is found so.
    FindBroken(usize),
    /// ABOR takes effect.
    Stop(usize),
    /// Knowing the end, the user closes a control connection.
    Leave(Side),

    /// Nothing else can happen, and a limit of a transfer is over.
    TimeOut(usize),
    /// The same, of a session that hears no user any more.
    Silence(usize),
    /// The same, of the user.
    Elapse,

    /// The store refuses the file.
    Refuse(usize),
    /// A data connection is cut.
    Cut(usize),
    /// A control connection is cut, and both ends hear of it.
    LoseControl(Side),
    /// The user's process dies: its system closes what it had.
    UserDies,
    /// The user's host is gone without a word.
    UserVanishes,
    /// The user wants no more of it.
    UserStops,

    /// The intruder calls a listening socket, with a file of its own. Where `as_named`, from the
    /// very socket that is named, which is then lost to the server that had it.
    IntruderCalls {
        session: usize,
        from: SocketAddr,
        as_named: bool,
    },
    /// The intruder listens at an address of another host.
    IntruderTakes(SocketAddr),
    /// The intruder commands its own session.
    IntruderSays(String),
}

impl Action {
    /// Whether it has to be possible for something to go wrong.
    pub(crate) fn is_loss(&self) -> bool {
        matches!(
            self,
            Self::Refuse(_)
                | Self::Cut(_)
                | Self::LoseControl(_)
                | Self::UserDies
                | Self::UserVanishes
                | Self::UserStops
                | Self::IntruderTakes(_)
                | Self::IntruderCalls { as_named: true, .. }
        )
    }
}

impl Action {
    /// Whether it is what the servers and the user do by themselves, sooner or later.
    pub(crate) fn is_due(&self) -> bool {
        !self.is_loss() && !matches!(self, Self::IntruderCalls { .. } | Self::IntruderSays(_))
    }
}

impl World {
    /// Everything that can happen now. Time passes only when nothing else goes on.
    pub(crate) fn actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.broken.is_some() {
            return actions;
        }
        for side in Side::BOTH {
            self.of_the_wires(side, &mut actions);
        }
        for session in SESSIONS {
            self.of_the_shell(session, &mut actions);
        }
        if actions.is_empty() {
            self.of_time(&mut actions);
        }
        if self.left.losses > 0 && self.is_under_way() {
            self.of_mischance(&mut actions);
        }
        intruder::actions(self, &mut actions);
        actions
    }

    fn of_the_wires(&self, side: Side, actions: &mut Vec<Action>) {
        let session = &self.sessions[crate::session::session_of(side)];
        if session.control == Control::Ended {
            return;
        }
        if !self.user.commands.of(side).is_empty() && session.pi.wants_commands() {
            actions.push(Action::Command(side));
        }
        if self.user.state == State::Alive {
            if !self.user.replies.of(side).is_empty() {
                actions.push(Action::Reply(side));
            }
            if self.user.machine.outcome().is_some() {
                actions.push(Action::Leave(side));
            }
        }
    }

    fn of_the_shell(&self, session: usize, actions: &mut Vec<Action>) {
        let Session { work, stopping, .. } = &*self.sessions[session];
        let is_cut = self.is_cut(session);
        if *stopping && !matches!(work, Work::Nothing | Work::Asked(_)) {
            actions.push(Action::Stop(session));
        }
        match work {
            Work::Nothing => {}
            Work::Asked(_) => actions.push(Action::Answer(session)),
            Work::Opening(_) => actions.push(Action::Open(session)),
            Work::Connecting(transfer) => match transfer.route {
                Route::Call { target } if self.answers(target.address()) => {
                    actions.push(Action::Call(session));
                }
                Route::Accept { .. } if self.has_backlog(session) => {
                    actions.push(Action::Accept(session));
                }
                _ => {}
            },
            Work::Moving(_) if is_cut => actions.push(Action::FindBroken(session)),
            Work::Moving(transfer) => match transfer.operation.direction() {
                Direction::Send if self.can_send(session) => actions.push(Action::Send(session)),
                Direction::Receive if self.has_content(session) => {
                    actions.push(Action::Receive(session));
                }
                _ => {}
            },
            Work::Sent if is_cut => actions.push(Action::FindBroken(session)),
            Work::Sent => actions.push(Action::Sent(session)),
        }
    }

    fn of_time(&self, actions: &mut Vec<Action>) {
        if self.user.is_waiting() && self.user.machine.wait() == Wait::Patience {
            actions.push(Action::Elapse);
        }
        let is_heard_out = !self.scene().is(Sabotage::SilenceForGood);
        for session in SESSIONS {
            let waiting = &self.sessions[session];
            if matches!(waiting.work, Work::Connecting(_) | Work::Moving(_)) {
                actions.push(Action::TimeOut(session));
            } else if waiting.control == Control::Silent && is_heard_out {
                actions.push(Action::Silence(session));
            }
        }
        if self.user.is_waiting() && actions.is_empty() {
            actions.push(Action::Elapse);
        }
    }

    fn of_mischance(&self, actions: &mut Vec<Action>) {
        for (number, connection) in self.connections.iter().enumerate() {
            if !connection.cut {
                actions.push(Action::Cut(number));
            }
        }
        for session in USERS {
            if matches!(self.sessions[session].work, Work::Opening(_)) {
                actions.push(Action::Refuse(session));
            }
        }
        if self.user.is_waiting() {
            for (session, side) in [(SOURCE, Side::Source), (DESTINATION, Side::Destination)] {
                if self.sessions[session].control == Control::Open {
                    actions.push(Action::LoseControl(side));
                }
            }
            actions.extend([Action::UserDies, Action::UserVanishes, Action::UserStops]);
        }
    }

    /// Whether the user, or a session of the user, has something to do yet.
    fn is_under_way(&self) -> bool {
        let is_busy = |session: usize| self.sessions[session].control != Control::Ended;
        self.user.is_waiting() || USERS.into_iter().any(is_busy)
    }

    fn is_cut(&self, session: usize) -> bool {
        self.connections
            .iter()
            .any(|c| c.is_held_by(session) && c.cut)
    }

    fn answers(&self, at: SocketAddr) -> bool {
        self.listener_at(at).is_some() || self.taken.contains(&at)
    }

    fn has_backlog(&self, session: usize) -> bool {
        self.connections
            .iter()
            .any(|c| c.callee == End::Waiting(session))
    }

    /// In clear the caller may speak before it is accepted; a handshake takes two.
    fn can_send(&self, session: usize) -> bool {
        let of_session = |c: &&crate::network::Connection| c.is_held_by(session);
        let far = self
            .connections
            .iter()
            .find(of_session)
            .map(|c| c.far(session));
        !(self.scene().tls && matches!(far, Some(End::Waiting(_))))
    }

    fn has_content(&self, session: usize) -> bool {
        self.connections
            .iter()
            .any(|c| c.is_held_by(session) && c.content.is_some())
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |session: usize| match session {
            SOURCE => "source",
            DESTINATION => "destination",
            _ => "intruder's session",
        };
        match self {
            Self::Command(side) => write!(f, "{side}: a command arrives"),
            Self::Reply(side) => write!(f, "user: a reply of the {side} arrives"),
            Self::Answer(session) => write!(f, "{}: the store answers", at(*session)),
            Self::Open(session) => write!(f, "{}: the file is open", at(*session)),
            Self::Call(session) => write!(f, "{}: calls, and is connected", at(*session)),
            Self::Accept(session) => write!(f, "{}: looks at who has called", at(*session)),
            Self::Send(session) => write!(f, "{}: sends the file", at(*session)),
            Self::Sent(session) => write!(f, "{}: has sent it all", at(*session)),
            Self::Receive(session) => write!(f, "{}: receives and stores a file", at(*session)),
            Self::FindBroken(session) => {
                write!(f, "{}: finds its connection reset", at(*session))
            }
            Self::Stop(session) => write!(f, "{}: stops the transfer", at(*session)),
            Self::Leave(side) => write!(f, "user: closes the connection to the {side}"),
            Self::TimeOut(session) => write!(f, "{}: has waited long enough", at(*session)),
            Self::Silence(session) => write!(f, "{}: has heard nothing for long", at(*session)),
            Self::Elapse => f.write_str("user: has waited long enough"),
            Self::Refuse(session) => write!(f, "{}: the store refuses the file", at(*session)),
            Self::Cut(_) => f.write_str("LOSS: a data connection is cut"),
            Self::LoseControl(side) => {
                write!(f, "LOSS: the control connection to the {side} is cut")
            }
            Self::UserDies => f.write_str("LOSS: the user's process dies"),
            Self::UserVanishes => f.write_str("LOSS: the user's host vanishes"),
            Self::UserStops => f.write_str("LOSS: the user stops it all"),
            Self::IntruderCalls { session, from, .. } => {
                write!(f, "INTRUDER: calls the {} from {from}", at(*session))
            }
            Self::IntruderTakes(socket) => write!(f, "INTRUDER: listens at {socket}"),
            Self::IntruderSays(line) => write!(f, "INTRUDER: says {line} in its own session"),
        }
    }
}

/// What a limit on time makes of a transfer that waits.
pub(crate) fn timed_out(work: &Work) -> Outcome {
    match work {
        Work::Moving(_) => Outcome::ConnectionLost,
        _ => Outcome::NotConnected,
    }
}

/// Where an intruder's own calls come from.
pub(crate) fn at(host: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(host, port)
}

/// The session through which the intruder commands.
pub(crate) const OWN: usize = INTRUDERS;
