//! One thing happens: what it changes.

use thirdhost_proto::server::{
    Answer, Event, Opened, Outcome, Protection, Question, Refusal, Route, TlsFailure,
};
use thirdhost_proto::third_party;
use thirdhost_sockets::{Initiative, PeerQuestion, Policy, Rejection, examine};
use thirdhost_wire::{AcceptFilter, Command};

use crate::action::{Action, OWN, timed_out};
use crate::network::{Connection, Content, End, OTHER_PORT, certificate};
use crate::scene::Sabotage;
use crate::session::{Control, INTRUDERS, LATE, NOW, Reservation, USERS, Work, session_of};
use crate::user::{self, State};
use crate::world::World;

impl World {
    pub(crate) fn perform(&mut self, action: &Action) {
        self.left.losses -= u8::from(action.is_loss());
        match action {
            Action::Command(side) => {
                let command = self.user_mut().commands.of_mut(*side).pop_front();
                let command = command.expect("a command was there");
                let session = self.session_mut(session_of(*side));
                session.pi.handle_command(NOW, Ok(command));
            }
            Action::Reply(side) => {
                let side = *side;
                let reply = self.user_mut().replies.of_mut(side).pop_front();
                let reply = reply.expect("a reply was there");
                let event = third_party::Event::Reply { side, reply };
                self.user_mut().machine.handle(event);
            }
            Action::Leave(side) => self.leave_session(session_of(*side)),
            Action::Elapse => self.elapse(),
            Action::LoseControl(side) => {
                self.end(session_of(*side));
                self.user_hears_of_the_end(session_of(*side));
            }
            Action::UserDies => {
                self.user_mut().state = State::Gone;
                for session in USERS {
                    self.end(session);
                }
                self.forget_the_wires();
            }
            Action::UserVanishes => self.vanish(),
            Action::UserStops => self.user_mut().machine.handle(third_party::Event::Stop),
            Action::Cut(number) => self.connections[*number].cut = true,
            Action::IntruderCalls { .. } | Action::IntruderTakes(_) | Action::IntruderSays(_) => {
                self.perform_intruders(action);
            }
            Action::Answer(session)
            | Action::Open(session)
            | Action::Call(session)
            | Action::Accept(session)
            | Action::Send(session)
            | Action::Sent(session)
            | Action::Receive(session)
            | Action::FindBroken(session)
            | Action::Stop(session)
            | Action::TimeOut(session)
            | Action::Silence(session)
            | Action::Refuse(session) => self.perform_shells(action, *session),
        }
        self.settle();
    }

    fn perform_shells(&mut self, action: &Action, session: usize) {
        match action {
            Action::Answer(_) => self.answer(session),
            Action::Open(_) => {
                let opening = std::mem::replace(&mut self.session_mut(session).work, Work::Nothing);
                if let Work::Opening(transfer) = opening {
                    self.session_mut(session).work = Work::Connecting(transfer);
                }
                self.tell(session, Event::Opened(Opened::default()));
            }
            Action::Call(_) => self.call(session),
            Action::Accept(_) => self.accept(session),
            Action::Send(_) => self.send(session),
            Action::Sent(_) => {
                self.leave(session, false);
                self.finish(session, COMPLETED);
            }
            Action::Receive(_) => self.receive(session),
            Action::FindBroken(_) => self.fail(session, Outcome::ConnectionLost),
            Action::Stop(_) => self.fail(session, Outcome::Stopped),
            Action::TimeOut(_) => {
                let outcome = timed_out(&self.sessions[session].work);
                self.fail(session, outcome);
            }
            Action::Silence(_) => self.session_mut(session).pi.handle_timeout(LATE),
            _ => self.finish(session, Outcome::Refused(Refusal::NotFound)),
        }
    }

    fn perform_intruders(&mut self, action: &Action) {
        match action {
            Action::IntruderCalls { session, from, .. } => {
                self.left.calls -= 1;
                self.connections.push(Connection {
                    from: *from,
                    caller: End::Intruder,
                    caller_is: None,
                    callee_is: None,
                    callee: End::Waiting(*session),
                    content: Some(Content::Intruders),
                    cut: false,
                });
            }
            Action::IntruderTakes(socket) => {
                self.left.calls -= 1;
                self.taken.insert(*socket);
            }
            Action::IntruderSays(line) => {
                self.left.commands -= 1;
                let command = Command::parse(line.as_bytes());
                self.session_mut(OWN).pi.handle_command(NOW, command);
            }
            _ => {}
        }
    }

    /// What the client waits for has not come within its time: patience is over, or the server
    /// counts as lost.
    fn elapse(&mut self) {
        if self.user.machine.wait() == third_party::Wait::Patience {
            return self.user_mut().machine.handle(third_party::Event::Elapsed);
        }
        self.broken = Some(DEADLOCK);
    }

    fn leave_session(&mut self, session: usize) {
        let after_transfer = match self.user.machine.outcome() {
            Some(
                third_party::Outcome::Failed(failure) | third_party::Outcome::Refused(failure),
            ) => failure.step == third_party::Step::Transfer,
            _ => false,
        };
        let left = &self.sessions[session];
        if after_transfer && left.pi.is_idle() && left.reservation != Reservation::Nothing {
            self.broken = Some("a port is kept after a transfer that failed");
        }
        self.end(session);
    }

    fn vanish(&mut self) {
        self.user_mut().state = State::Gone;
        let user = self.user_mut();
        user.replies.source.clear();
        user.replies.destination.clear();
        for session in USERS {
            let session = self.session_mut(session);
            if session.control == Control::Open {
                session.control = Control::Silent;
            }
        }
    }

    fn forget_the_wires(&mut self) {
        let user = self.user_mut();
        user.commands = Default::default();
        user.replies = Default::default();
    }

    fn answer(&mut self, session: usize) {
        let asked = std::mem::replace(&mut self.session_mut(session).work, Work::Nothing);
        let answer = match asked {
            Work::Asked(Question::Size { .. }) => Answer::Size(7),
            _ => Answer::Done,
        };
        self.tell(session, Event::Answered(Ok(answer)));
    }

    /// Stands for `Call::run`: policy, then the call, from the number that was told.
    fn call(&mut self, session: usize) {
        let Work::Connecting(transfer) = self.sessions[session].work.clone() else {
            return;
        };
        let Route::Call { target } = transfer.route else {
            return;
        };
        let question = PeerQuestion {
            initiative: Initiative::Call,
            peer: target,
            direction: Some(transfer.operation.direction()),
        };
        if self.given.policies[session].admit(&question).is_err() {
            return self.finish(session, Outcome::NotAdmitted);
        }
        let port = self.sessions[session].port().unwrap_or(OTHER_PORT);
        let to = target.address();
        let listener = self.listener_at(to);
        self.connections.push(Connection {
            from: (self.scene().host(session), port).into(),
            caller: End::Session(session),
            caller_is: Some(self.scene().side(session)),
            callee_is: None,
            callee: listener.map_or(End::Intruder, End::Waiting),
            content: listener.is_none().then_some(Content::Intruders),
            cut: false,
        });
        self.session_mut(session).work = Work::Moving(transfer);
    }

    /// Stands for `Listening::accept`; who passes is judged by its own `examine`.
    fn accept(&mut self, session: usize) {
        let Work::Connecting(transfer) = self.sessions[session].work.clone() else {
            return;
        };
        let Route::Accept { filter } = transfer.route else {
            return;
        };
        let mut waiting = self.connections.iter();
        let Some(first) = waiting.position(|c| c.callee == End::Waiting(session)) else {
            return;
        };
        let filter = match filter {
            _ if self.scene().is(Sabotage::PinsOff) => AcceptFilter::Any,
            AcceptFilter::HostPort(peer) if self.scene().is(Sabotage::HostAlone) => {
                AcceptFilter::Host(peer.host())
            }
            filter => filter,
        };
        let policy = &self.given.policies[session];
        let direction = transfer.operation.direction();
        let judged = examine(self.connections[first].from, filter, policy, direction);
        let accepts = self.scene().side(session);
        let connection = &mut self.connections[first];
        let Err(rejection) = judged else {
            connection.callee = End::Session(session);
            connection.callee_is = Some(accepts);
            self.session_mut(session).work = Work::Moving(transfer);
            return;
        };
        connection.cut = true;
        connection.callee = End::Gone;
        match rejection {
            Rejection::Denied(_) if filter != AcceptFilter::Any => {
                self.finish(session, Outcome::NotAdmitted);
            }
            _ if self.scene().is(Sabotage::StrangerEndsWait) => {
                self.finish(session, Outcome::NotConnected);
            }
            _ => {}
        }
    }

    fn send(&mut self, session: usize) {
        if !self.knows_its_peer(session) {
            return self.fail(session, Outcome::TlsFailed(TlsFailure::Peer));
        }
        let content = match self.file(session) {
            Some(file) if session != INTRUDERS => Content::Users(file),
            _ => Content::Intruders,
        };
        let mut all = self.connections.iter_mut();
        if let Some(connection) = all.find(|c| c.is_held_by(session)) {
            connection.content = Some(content);
            if connection.far(session) == End::Intruder && content != Content::Intruders {
                self.broken = Some("the intruder reads the user's file");
            }
        }
        self.session_mut(session).work = Work::Sent;
    }

    fn receive(&mut self, session: usize) {
        if !self.knows_its_peer(session) {
            return self.fail(session, Outcome::TlsFailed(TlsFailure::Peer));
        }
        let mut all = self.connections.iter();
        let content = all.find(|c| c.is_held_by(session)).and_then(|c| c.content);
        match (session, content) {
            (INTRUDERS, Some(Content::Users(_))) => {
                self.broken = Some("the intruder's session stores the user's file");
            }
            (INTRUDERS, _) => {}
            (_, Some(Content::Users(file))) if Some(file) == self.file(session) => {
                self.stored.push(file);
            }
            (_, Some(Content::Users(_))) => self.broken = Some("one file is taken for another"),
            _ => self.broken = Some("the user's session stores what the intruder wrote"),
        }
        self.leave(session, false);
        self.finish(session, COMPLETED);
    }

    /// The number of the file that the session's transfer is about.
    fn file(&self, session: usize) -> Option<u8> {
        let transfer = self.sessions[session].transfer()?;
        user::number(transfer.operation.path().as_str())
    }

    /// Stands for the handshake: whether the peer shows the certificate that was named. The
    /// intruder's session, at an honest server, shows that server's.
    fn knows_its_peer(&self, session: usize) -> bool {
        let transfer = self.sessions[session].transfer();
        let Some(Protection::Tls { peer, .. }) = transfer.map(|transfer| transfer.protection)
        else {
            return true;
        };
        if session == INTRUDERS || self.scene().is(Sabotage::CertificateUnseen) {
            return true;
        }
        let mut all = self.connections.iter();
        let shown = all
            .find(|c| c.is_held_by(session))
            .and_then(|c| c.far_is(session));
        let shown = shown.map(certificate);
        shown.is_some() && shown == peer
    }

    fn fail(&mut self, session: usize, outcome: Outcome) {
        self.leave(session, true);
        self.finish(session, outcome);
    }
}

/// What a transfer ends with that went well, in MODE S.
const COMPLETED: Outcome = Outcome::Completed {
    bytes: 7,
    kept: false,
};

pub(crate) const DEADLOCK: &str = "nobody goes on, and nothing was lost: a deadlock";
