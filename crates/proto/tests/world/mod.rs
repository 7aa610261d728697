//! Two servers, a user and the wires between them, as one value with a list of next steps.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use thirdhost_proto::server::{
    Answer, Arrange, ArrangeRefusal, Arranged, ClearLogin, ClearTransfers, Directions, Effect,
    Event, Hosts, Identity, Limits, Opened, Outcome, Permissions, Question, Refusal, Route,
    ServerPi, Settings, TlsOffer, Unpinned,
};
use thirdhost_proto::third_party::{
    self, Arrangement, BySide, Job, Operation, Parameters, Plan, Protection, Side, ThirdParty,
};
use thirdhost_wire::{AcceptFilter, Command, HostSocket, Pathname, Reply};

/// Everything there is.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) machine: ThirdParty,
    pub(crate) sites: BySide<Site>,
    listener: Side,
    link: Link,
    pub(crate) stored: bool,
    pub(crate) source_is_missing: bool,
    pub(crate) destination_was_asked: bool,
    pub(crate) failures_left: u8,
    pub(crate) failures_allowed: u8,
}

/// One server: its server-PI, and what its shell holds.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) pi: ServerPi,
    pub(crate) alive: bool,
    pub(crate) reserved: bool,
    commands: VecDeque<Command>,
    replies: VecDeque<Reply>,
    question: Option<Out>,
}

/// What a shell has been asked and has not answered.
#[derive(Clone, Debug)]
enum Out {
    Arrange(Arrange),
    Ask(Question),
    Transfer {
        opened: bool,
        connected: bool,
        stopping: bool,
    },
}

/// The data connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Link {
    Idle,
    /// It waits in the listener's backlog.
    Called,
    Open,
    /// All is sent and the source has closed.
    Sent,
    Broken,
}

/// One thing that can happen next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    Command(Side),
    Reply(Side),
    Answer(Side),
    Refuse(Side),
    Open(Side),
    Dial(Side),
    Accept(Side),
    Send(Side),
    Store(Side),
    BreakLink,
    FailLink(Side),
    Stop(Side),
    LoseControl(Side),
    TimeOut(Side),
    Elapse,
}

impl World {
    pub(crate) fn new(listener: Side, operation: Operation, failures: u8) -> Self {
        let plan = Plan {
            arrangement: Arrangement::Lstn,
            listener,
            hosts: BySide {
                source: host(Side::Source),
                destination: host(Side::Destination),
            },
            trust_passive_address: BySide {
                source: false,
                destination: false,
            },
            pin: true,
            low_ports: false,
            store_first: false,
            parameters: Parameters::default(),
            protection: Protection::Clear,
        };
        let from = Pathname::try_from("PROG1.PL1").expect("a pathname");
        let to = Pathname::try_from("PROG2.PL1").expect("a pathname");
        let mut world = Self {
            machine: ThirdParty::new(
                plan,
                Job {
                    operation,
                    from,
                    to,
                    offset: 0,
                    range: None,
                },
            ),
            sites: BySide {
                source: Site::new(),
                destination: Site::new(),
            },
            listener,
            link: Link::Idle,
            stored: false,
            source_is_missing: false,
            destination_was_asked: false,
            failures_left: failures,
            failures_allowed: failures,
        };
        world.settle();
        world
    }

    /// Everything that can happen now. Time passes only when nothing else can happen.
    pub(crate) fn actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        for side in Side::BOTH {
            self.actions_at(side, &mut actions);
        }
        if self.failures_left > 0 && matches!(self.link, Link::Called | Link::Open) {
            actions.push(Action::BreakLink);
        }
        let can_go_on = actions.iter().any(|action| !action.is_failure());
        if !can_go_on {
            for side in Side::BOTH {
                if self.sites.of(side).waits_for_peer() {
                    actions.push(Action::TimeOut(side));
                }
            }
            if self.machine.outcome().is_none() {
                actions.push(Action::Elapse);
            }
        }
        actions
    }

    fn actions_at(&self, side: Side, actions: &mut Vec<Action>) {
        let site = self.sites.of(side);
        if !site.alive {
            return;
        }
        if !site.commands.is_empty() {
            actions.push(Action::Command(side));
        }
        if !site.replies.is_empty() {
            actions.push(Action::Reply(side));
        }
        if self.failures_left > 0 && self.machine.outcome().is_none() {
            actions.push(Action::LoseControl(side));
        }
        match &site.question {
            None => {}
            Some(Out::Arrange(_) | Out::Ask(_)) => {
                actions.push(Action::Answer(side));
                if self.failures_left > 0 {
                    actions.push(Action::Refuse(side));
                }
            }
            Some(Out::Transfer { stopping: true, .. }) => actions.push(Action::Stop(side)),
            Some(Out::Transfer { opened: false, .. }) => {
                actions.push(Action::Open(side));
                if self.failures_left > 0 {
                    actions.push(Action::Refuse(side));
                }
            }
            Some(Out::Transfer {
                connected: false, ..
            }) => self.meet(side, actions),
            Some(Out::Transfer { .. }) => match (side, self.link) {
                (Side::Source, Link::Open) => actions.push(Action::Send(side)),
                (Side::Destination, Link::Sent) => actions.push(Action::Store(side)),
                (_, Link::Broken) => actions.push(Action::FailLink(side)),
                _ => {}
            },
        }
    }

    /// A transfer that has its file and no data connection yet.
    fn meet(&self, side: Side, actions: &mut Vec<Action>) {
        let listener_is_there = self.sites.of(self.listener).reserved;
        if side != self.listener && self.link == Link::Idle && listener_is_there {
            actions.push(Action::Dial(side));
        }
        if side == self.listener && self.link == Link::Called {
            actions.push(Action::Accept(side));
        }
    }

    pub(crate) fn perform(&mut self, action: &Action) {
        self.failures_left -= u8::from(action.is_failure());
        match *action {
            Action::Command(side) => {
                let site = self.sites.of_mut(side);
                let command = site.commands.pop_front().expect("a command was there");
                site.pi.handle_command(NOW, Ok(command));
            }
            Action::Reply(side) => {
                let reply = self
                    .sites
                    .of_mut(side)
                    .replies
                    .pop_front()
                    .expect("a reply was there");
                self.machine
                    .handle(third_party::Event::Reply { side, reply });
            }
            Action::Answer(side) => self.answer(side),
            Action::Refuse(side) => self.refuse(side),
            Action::Open(side) => {
                if let Some(Out::Transfer { opened, .. }) = &mut self.sites.of_mut(side).question {
                    *opened = true;
                }
                self.tell(side, Event::Opened(Opened::default()));
            }
            Action::Dial(side) => {
                self.link = Link::Called;
                self.connect(side);
            }
            Action::Accept(side) => {
                self.link = Link::Open;
                self.connect(side);
            }
            Action::Send(side) => {
                self.link = Link::Sent;
                self.finish(
                    side,
                    Outcome::Completed {
                        bytes: 7,
                        kept: false,
                    },
                );
            }
            Action::Store(side) => {
                self.link = Link::Idle;
                self.stored = true;
                self.finish(
                    side,
                    Outcome::Completed {
                        bytes: 7,
                        kept: false,
                    },
                );
            }
            Action::BreakLink => self.link = Link::Broken,
            Action::FailLink(side) => self.finish(side, Outcome::ConnectionLost),
            Action::Stop(side) => {
                self.drop_link(side);
                self.finish(side, Outcome::Stopped);
            }
            Action::LoseControl(side) => self.lose_control(side),
            Action::TimeOut(side) => self.finish(side, Outcome::NotConnected),
            Action::Elapse => self.machine.handle(third_party::Event::Elapsed),
        }
        self.settle();
    }

    fn lose_control(&mut self, side: Side) {
        self.drop_link(side);
        let site = self.sites.of_mut(side);
        site.alive = false;
        site.reserved = false;
        site.question = None;
        site.commands.clear();
        site.replies.clear();
        self.machine.handle(third_party::Event::Lost { side });
    }

    fn answer(&mut self, side: Side) {
        let event = match self.sites.of_mut(side).question.take() {
            Some(Out::Arrange(what)) => {
                let may = Directions::BOTH;
                let arranged = match what {
                    Arrange::Listen { .. } => Arranged::Listening {
                        port: X,
                        host: host(side),
                    },
                    Arrange::Hold { target } => {
                        let far = HostSocket::new(host(self.listener), X).expect("a socket");
                        assert_eq!(target, far, "SOCK names another socket than X");
                        Arranged::Held { port: Y, may }
                    }
                    Arrange::Pin { filter } => {
                        let caller = self.listener.opposite();
                        let far = HostSocket::new(host(caller), Y).expect("a socket");
                        assert_eq!(filter, AcceptFilter::HostPort(far), "the pin is not Y");
                        Arranged::Admitted { may }
                    }
                    Arrange::Target { .. } => Arranged::Admitted { may },
                };
                let reserves = matches!(what, Arrange::Listen { .. } | Arrange::Hold { .. });
                self.sites.of_mut(side).reserved |= reserves;
                Event::Arranged(Ok(arranged))
            }
            Some(Out::Ask(Question::Size { .. })) => Event::Answered(Ok(Answer::Size(7))),
            Some(Out::Ask(Question::Facts { path, .. })) => {
                Event::Answered(Ok(Answer::Text(format!("type=file;size=7; {path}"))))
            }
            other => unreachable!("no question to answer: {other:?}"),
        };
        self.tell(side, event);
    }

    fn refuse(&mut self, side: Side) {
        let event = match self.sites.of_mut(side).question.take() {
            Some(Out::Arrange(_)) => Event::Arranged(Err(ArrangeRefusal::NotPermitted)),
            Some(Out::Ask(_)) => {
                self.source_is_missing = true;
                Event::Answered(Err(Refusal::NotFound))
            }
            Some(Out::Transfer { .. }) => {
                self.discard_backlog(side);
                Event::Finished(Outcome::Refused(Refusal::NotFound))
            }
            None => unreachable!("no question to refuse"),
        };
        self.tell(side, event);
    }

    fn connect(&mut self, side: Side) {
        if let Some(Out::Transfer { connected, .. }) = &mut self.sites.of_mut(side).question {
            *connected = true;
        }
    }

    fn finish(&mut self, side: Side, outcome: Outcome) {
        self.sites.of_mut(side).question = None;
        self.discard_backlog(side);
        self.tell(side, Event::Finished(outcome));
    }

    /// A listener that is done with its transfer resets who waits in its backlog (spec D-12).
    fn discard_backlog(&mut self, side: Side) {
        if side == self.listener && self.link == Link::Called {
            self.link = Link::Broken;
        }
    }

    /// A side that stops or dies resets the data connection it has.
    fn drop_link(&mut self, side: Side) {
        let connected = matches!(
            self.sites.of(side).question,
            Some(Out::Transfer {
                connected: true,
                ..
            })
        );
        if connected || side == self.listener {
            self.link = match self.link {
                Link::Idle => Link::Idle,
                _ => Link::Broken,
            };
        }
    }

    fn tell(&mut self, side: Side, event: Event) {
        self.sites.of_mut(side).pi.handle_event(NOW, event);
    }

    /// Moves what the machine and the server-PIs want onto the wires.
    fn settle(&mut self) {
        while let Some(effect) = self.machine.poll_effect() {
            match effect {
                third_party::Effect::Send { side, command } => {
                    if matches!(command, Command::Stor(_) | Command::Appe(_)) {
                        self.destination_was_asked = true;
                    }
                    self.sites.of_mut(side).commands.push_back(command);
                }
                third_party::Effect::Close { side } => {
                    self.drop_link(side);
                    let site = self.sites.of_mut(side);
                    site.alive = false;
                    site.reserved = false;
                }
            }
        }
        for side in Side::BOTH {
            while let Some(effect) = self.sites.of_mut(side).pi.poll_effect() {
                self.want(side, effect);
            }
        }
    }

    fn want(&mut self, side: Side, effect: Effect) {
        let discards = matches!(effect, Effect::Release);
        let site = self.sites.of_mut(side);
        match effect {
            Effect::Reply(reply) => site.replies.push_back(reply),
            Effect::Arrange(what) => site.question = Some(Out::Arrange(what)),
            Effect::Ask(question) => site.question = Some(Out::Ask(question)),
            Effect::Transfer(transfer) => {
                if let Route::Call { target } = transfer.route {
                    assert_eq!(target.port(), X, "a call to another socket than X");
                }
                site.question = Some(Out::Transfer {
                    opened: false,
                    connected: false,
                    stopping: false,
                });
            }
            Effect::StopTransfer => {
                if let Some(Out::Transfer { stopping, .. }) = &mut site.question {
                    *stopping = true;
                }
            }
            Effect::Release => site.reserved = false,
            Effect::Disconnect | Effect::AskProgress | Effect::Close => {}
            Effect::Establish { .. } => unreachable!("the machine sends no ESTA"),
            Effect::Authenticate { .. } | Effect::Introduce { .. } => {
                unreachable!("both users are logged in already")
            }
            Effect::Skip(_) => unreachable!("no pipeline is on"),
            Effect::StartTls | Effect::EndTls => unreachable!("neither server has a certificate"),
        }
        if discards {
            self.discard_backlog(side);
        }
    }
}

impl Site {
    fn new() -> Self {
        let settings = Settings {
            peer: IpAddr::from([203, 0, 113, 5]),
            unpinned: Unpinned::ControlHost,
            clear_login: ClearLogin::Everyone,
            users_differ: false,
            clear_transfers: ClearTransfers::Allowed,
            tls: TlsOffer::Absent,
            mdtm_sets: false,
            hosts: Hosts::default(),
            limits: Limits::default(),
        };
        let mut pi = ServerPi::new(NOW, settings);
        for line in ["USER alice", "PASS secret"] {
            pi.handle_command(NOW, Command::parse(line.as_bytes()));
        }
        let identity = Identity {
            name: "alice".to_owned(),
            permissions: Permissions::all(),
            operator: false,
            clear_transfers: None,
        };
        pi.handle_event(NOW, Event::Authenticated(Some(identity)));
        while pi.poll_effect().is_some() {}
        Self {
            pi,
            alive: true,
            reserved: false,
            commands: VecDeque::new(),
            replies: VecDeque::new(),
            question: None,
        }
    }

    fn waits_for_peer(&self) -> bool {
        let waits = Some(false)
            == self.question.as_ref().and_then(|out| match out {
                Out::Transfer {
                    opened: true,
                    connected,
                    ..
                } => Some(*connected),
                _ => None,
            });
        self.alive && waits
    }
}

impl Action {
    /// Whether it is one of the failures that are counted.
    fn is_failure(self) -> bool {
        matches!(
            self,
            Self::Refuse(_) | Self::BreakLink | Self::LoseControl(_)
        )
    }
}

fn host(side: Side) -> IpAddr {
    match side {
        Side::Source => IpAddr::from([192, 0, 2, 1]),
        Side::Destination => IpAddr::from([198, 51, 100, 2]),
    }
}

const X: u16 = 40002;
const Y: u16 = 51003;
const NOW: Duration = Duration::ZERO;
