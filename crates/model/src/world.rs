//! Everything there is at one moment, and what follows at once from what has happened.

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use thirdhost_proto::server::{
    Arrange, ArrangeRefusal, Arranged, Directions, Effect, Event, Outcome, pinned_host,
};
use thirdhost_proto::third_party::{self, Side};
use thirdhost_server::policy::ThirdPartyPolicy;
use thirdhost_wire::HostSocket;

use crate::network::{Connection, End, INTRUDER, USER, ports};
use crate::scene::{Bounds, Sabotage, Scene};
use crate::session::{
    Control, INTRUDERS, NOW, Reservation, SESSIONS, Session, USERS, Work, session_of,
};
use crate::user::{State, User};

/// One moment. Cheap to copy: what has not changed is shared.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) given: Rc<Given>,
    pub(crate) sessions: [Rc<Session>; 3],
    pub(crate) user: Rc<User>,
    pub(crate) connections: Vec<Connection>,
    /// Where the intruder listens: addresses that it took.
    pub(crate) taken: BTreeSet<SocketAddr>,
    /// Numbers that were given back, and at which server.
    pub(crate) resting: BTreeSet<(Side, u16)>,
    pub(crate) left: Bounds,
    /// What of the user's files has been stored well.
    pub(crate) stored: Vec<u8>,
    /// What must never be, and is.
    pub(crate) broken: Option<&'static str>,
    /// A digest of each session and of the user, made anew when they change.
    prints: [u64; 4],
    changed: [bool; 4],
}

/// What does not change in a walk.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) scene: Scene,
    pub(crate) policies: Vec<ThirdPartyPolicy>,
}

impl World {
    pub(crate) fn new(scene: Scene) -> Self {
        let session = |user: IpAddr| Rc::new(Session::logged_in(user, scene.tls));
        let mut world = Self {
            given: Rc::new(Given {
                scene,
                policies: scene.policies(),
            }),
            sessions: [session(USER), session(USER), session(INTRUDER)],
            user: Rc::new(User::new(scene.listener, scene.tls)),
            connections: Vec::new(),
            taken: BTreeSet::new(),
            resting: BTreeSet::new(),
            left: scene.bounds,
            stored: Vec::new(),
            broken: None,
            prints: [0; 4],
            changed: [true; 4],
        };
        world.settle();
        world
    }

    pub(crate) fn scene(&self) -> &Scene {
        &self.given.scene
    }

    pub(crate) fn session_mut(&mut self, session: usize) -> &mut Session {
        self.changed[session] = true;
        Rc::make_mut(&mut self.sessions[session])
    }

    pub(crate) fn user_mut(&mut self) -> &mut User {
        self.changed[USER_PRINT] = true;
        Rc::make_mut(&mut self.user)
    }

    pub(crate) fn tell(&mut self, session: usize, event: Event) {
        self.session_mut(session).pi.handle_event(NOW, event);
    }

    pub(crate) fn finish(&mut self, session: usize, outcome: Outcome) {
        let kept = self.session_mut(session);
        kept.work = Work::Nothing;
        kept.stopping = false;
        self.discard_backlog(session);
        self.tell(session, Event::Finished(outcome));
    }

    /// The session's end of its connection: in order, or reset.
    pub(crate) fn leave(&mut self, session: usize, reset: bool) {
        for connection in &mut self.connections {
            if connection.is_held_by(session) {
                connection.cut |= reset;
                connection.leave(session);
            }
        }
    }

    /// Whoever waits in the backlog is reset (spec D-12).
    pub(crate) fn discard_backlog(&mut self, session: usize) {
        for connection in &mut self.connections {
            if connection.callee == End::Waiting(session) {
                connection.cut = true;
                connection.leave(session);
            }
        }
    }

    /// The control connection is over: all that the session held is given back. Stands for
    /// `Session::end`.
    pub(crate) fn end(&mut self, session: usize) {
        self.leave(session, true);
        if !self.scene().is(Sabotage::ForgottenRelease) {
            self.free(session);
        }
        let ended = self.session_mut(session);
        ended.control = Control::Ended;
        ended.work = Work::Nothing;
    }

    /// Which session listens there.
    pub(crate) fn listener_at(&self, at: SocketAddr) -> Option<usize> {
        SESSIONS.into_iter().find(|&session| {
            let listens = self.sessions[session].reservation == Reservation::Listening(at.port());
            listens && self.scene().host(session) == at.ip()
        })
    }

    /// Carries out all that the machines want, until they want nothing more.
    pub(crate) fn settle(&mut self) {
        loop {
            // Who was told nothing wants nothing new.
            let files = self.scene().files;
            if self.changed[USER_PRINT] && self.user.state == State::Alive {
                for side in self.user_mut().settle(files) {
                    self.end(session_of(side));
                }
            }
            let mut quiet = true;
            for session in SESSIONS {
                if !self.changed[session] {
                    continue;
                }
                while let Some(effect) = self.session_mut(session).pi.poll_effect() {
                    quiet = false;
                    if self.sessions[session].control != Control::Ended {
                        self.carry_out(session, effect);
                    }
                }
            }
            if quiet {
                break;
            }
        }
        self.connections.retain(|connection| !connection.is_over());
        self.print();
    }

    /// Two moments with the same fingerprint are taken for the same: 64 bits of all there is.
    pub(crate) fn fingerprint(&self) -> u64 {
        let rest = digest(&(&self.connections, &self.taken, &self.resting, &self.stored));
        hash(&(self.prints, rest, self.left, self.broken))
    }

    fn print(&mut self) {
        for session in SESSIONS {
            if std::mem::take(&mut self.changed[session]) {
                self.prints[session] = digest(&self.sessions[session]);
            }
        }
        if std::mem::take(&mut self.changed[USER_PRINT]) {
            self.prints[USER_PRINT] = digest(&self.user);
        }
    }

    /// Stands for `Session::perform`.
    fn carry_out(&mut self, session: usize, effect: Effect) {
        match effect {
            Effect::Reply(reply) => {
                let side = self.scene().side(session);
                let hears = self.sessions[session].control == Control::Open;
                if USERS.contains(&session) && hears && self.user.state == State::Alive {
                    self.user_mut().replies.of_mut(side).push_back(reply);
                }
            }
            Effect::Arrange(what) => {
                let arranged = self.arrange(session, what);
                self.tell(session, Event::Arranged(arranged));
            }
            Effect::Release if self.scene().is(Sabotage::ForgottenRelease) => {}
            Effect::Release => self.free(session),
            Effect::Disconnect => self.leave(session, false),
            Effect::Ask(question) => self.session_mut(session).work = Work::Asked(question),
            Effect::Transfer(transfer) => {
                self.session_mut(session).work = Work::Opening(Box::new(transfer));
            }
            Effect::StopTransfer => self.session_mut(session).stopping = true,
            Effect::Close => {
                self.end(session);
                self.user_hears_of_the_end(session);
            }
            other => unreachable!("not in this model: {other:?}"),
        }
    }

    pub(crate) fn user_hears_of_the_end(&mut self, session: usize) {
        if USERS.contains(&session) && self.user.state == State::Alive {
            let side = self.scene().side(session);
            let user = self.user_mut();
            user.commands.of_mut(side).clear();
            user.replies.of_mut(side).clear();
            user.machine.handle(third_party::Event::Lost { side });
        }
    }

    /// Stands for `DataSockets::arrange`; the policy is the server's own.
    fn arrange(&mut self, session: usize, what: Arrange) -> Result<Arranged, ArrangeRefusal> {
        let given = Rc::clone(&self.given);
        let policy = &given.policies[session];
        match what {
            Arrange::Listen { .. } => {
                self.free(session);
                let port = self.lease(session)?;
                self.session_mut(session).reservation = Reservation::Listening(port);
                let host = self.scene().host(session);
                Ok(Arranged::Listening { port, host })
            }
            Arrange::Hold { target } => {
                let may = some(policy.may_call(target))?;
                let port = self.lease(session)?;
                self.free(session);
                self.session_mut(session).reservation = Reservation::Held(port);
                Ok(Arranged::Held { port, may })
            }
            Arrange::Target { target } => Ok(Arranged::Admitted {
                may: some(policy.may_call(target))?,
            }),
            Arrange::Pin { filter } => Ok(Arranged::Admitted {
                may: match pinned_host(filter) {
                    None => Directions::BOTH,
                    Some(host) => some(policy.may_accept(host))?,
                },
            }),
        }
    }

    /// Stands for `PortPool::lease`, with the worst of luck: the lowest number that is free.
    fn lease(&self, session: usize) -> Result<u16, ArrangeRefusal> {
        let side = self.scene().side(session);
        let rests = |port| {
            let rests = self.resting.contains(&(side, port));
            rests && !self.scene().is(Sabotage::NumbersDoNotRest)
        };
        let is_out = |port| {
            let mut there = SESSIONS
                .into_iter()
                .filter(|&s| self.scene().side(s) == side);
            there.any(|other| self.sessions[other].port() == Some(port))
        };
        let mut free = ports(side).into_iter();
        let free = free.find(|&port| !rests(port) && !is_out(port));
        free.ok_or(ArrangeRefusal::NoSocket)
    }

    /// The reserved number goes back, and whoever waits behind it is reset.
    fn free(&mut self, session: usize) {
        let side = self.scene().side(session);
        if let Some(port) = self.sessions[session].port() {
            self.discard_backlog(session);
            self.resting.insert((side, port));
            self.session_mut(session).reservation = Reservation::Nothing;
        }
    }
}

/// The socket that the intruder wants to be, or to meet: everything that the user arranged.
pub(crate) fn users_sockets(world: &World) -> Vec<HostSocket> {
    let of = |session: usize| {
        let port = world.sessions[session].port()?;
        HostSocket::new(world.scene().host(session), port)
    };
    USERS.into_iter().filter_map(of).collect()
}

fn some(may: Directions) -> Result<Directions, ArrangeRefusal> {
    let none = may == Directions::default();
    if none {
        Err(ArrangeRefusal::NotPermitted)
    } else {
        Ok(may)
    }
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// All that `{:?}` tells, digested as it is told.
fn digest(what: &impl fmt::Debug) -> u64 {
    let mut told = Told(DefaultHasher::new());
    write!(told, "{what:?}").expect("nothing to fail");
    told.0.finish()
}

struct Told(DefaultHasher);

impl Write for Told {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

/// Where the user's digest stands.
const USER_PRINT: usize = INTRUDERS + 1;
