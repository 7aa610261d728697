//! Two servers with a pipeline between them, as one value with a list of next steps.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use thirdhost_proto::server::{
    Arrange, Arranged, ClearLogin, ClearTransfers, Directions, Effect, Event, Hosts, Identity,
    Limits, Opened, Outcome, PermissionSet, Permissions, Refusal, Route, ServerPi, Settings,
    TlsOffer, Unpinned, VirtualPath,
};
use thirdhost_wire::Command;

/// Everything there is. The source is the first site, the destination the second.
#[derive(Clone, Debug)]
pub(crate) struct World {
    sites: [Site; 2],
    fates: Vec<(Fate, Fate)>,
    link: Link,
    /// Under which names what has been stored.
    stored: Vec<(usize, usize)>,
    losses_left: u8,
    undisturbed: bool,
}

/// What becomes of a file at one end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    Good,
    /// The server-PI refuses the command.
    Refused,
    /// The store has no such file, or does not take it.
    StoreRefuses,
    /// Reading or writing fails while it moves.
    FailsMidway,
}

impl Fate {
    pub(crate) const ALL: [Self; 4] = [
        Self::Good,
        Self::Refused,
        Self::StoreRefuses,
        Self::FailsMidway,
    ];
}

#[derive(Clone, Debug)]
struct Site {
    pi: ServerPi,
    alive: bool,
    reserved: bool,
    commands: VecDeque<Command>,
    sent: usize,
    finals: Vec<u16>,
    out: Option<Out>,
}

/// What the shell is about to do.
#[derive(Clone, Debug)]
enum Out {
    Transfer {
        number: u64,
        file: usize,
        opened: bool,
        stopping: bool,
    },
    Skip {
        number: u64,
        stopping: bool,
    },
}

/// The data connection: numbered files, of which one without content is a failed one.
#[derive(Clone, Debug, Default)]
struct Link {
    made: bool,
    broken: bool,
    wire: VecDeque<(u64, Option<usize>)>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    /// The user's next command arrives.
    Command(usize),
    /// The shell goes one step further.
    Step(usize),
    /// The shell finds its connection broken, whatever still lies on the wire.
    FindBroken(usize),
    /// Nobody has called, or nothing has come, for long enough.
    TimeOut(usize),
    Break,
    LoseControl(usize),
    Abort(usize),
}

/// What can be lost, and what the user can break off.
pub(crate) const LOSSES: [Action; 5] = [
    Action::Break,
    Action::LoseControl(SOURCE),
    Action::LoseControl(DESTINATION),
    Action::Abort(SOURCE),
    Action::Abort(DESTINATION),
];

impl World {
    pub(crate) fn new(fates: &[(Fate, Fate)], losses: u8) -> Self {
        let mut world = Self {
            sites: [Site::new(), Site::new()],
            fates: fates.to_vec(),
            link: Link::default(),
            stored: Vec::new(),
            losses_left: losses,
            undisturbed: true,
        };
        world.arrange();
        for (file, (source, destination)) in fates.iter().enumerate() {
            world.sites[SOURCE].send(&format!("RETR {}", name(file, *source)));
            world.sites[DESTINATION].send(&format!("STOR {}", name(file, *destination)));
        }
        world
    }

    /// LSTN and SOCK, as the user-PI orders them.
    fn arrange(&mut self) {
        self.order(DESTINATION, "LSTN R");
        self.order(SOURCE, "SOCK 198.51.100.2,40002");
        self.order(DESTINATION, "SOCK 192.0.2.1,51003");
        self.link = Link::default();
    }

    fn order(&mut self, side: usize, line: &str) {
        self.sites[side].send(line);
        self.perform(Action::Command(side));
        let site = &mut self.sites[side];
        site.sent -= 1;
        assert_eq!(site.finals.pop(), Some(255), "{line}");
    }

    /// Everything that can happen now, time passing only when nothing else can.
    pub(crate) fn actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        for side in [SOURCE, DESTINATION] {
            let site = &self.sites[side];
            if !site.alive {
                continue;
            }
            if !site.commands.is_empty() && site.pi.wants_commands() {
                actions.push(Action::Command(side));
            }
            if site.out.is_some() {
                if self.can_step(side) {
                    actions.push(Action::Step(side));
                }
                if self.link.broken && site.moves() {
                    actions.push(Action::FindBroken(side));
                }
            }
        }
        if actions.is_empty() {
            let waiting = [SOURCE, DESTINATION].into_iter();
            let waiting = waiting.filter(|side| self.sites[*side].out.is_some());
            actions.extend(waiting.map(Action::TimeOut));
        }
        if self.losses_left > 0 && !actions.is_empty() {
            for loss in LOSSES {
                let possible = match loss {
                    Action::Break => self.link.made && !self.link.broken,
                    Action::LoseControl(side) | Action::Abort(side) => self.sites[side].alive,
                    _ => false,
                };
                if possible {
                    actions.push(loss);
                }
            }
        }
        actions
    }

    /// The first thing that can happen, losses aside.
    pub(crate) fn first_action(&self) -> Option<Action> {
        let mut actions = self.actions().into_iter();
        actions.find(|action| !LOSSES.contains(action))
    }

    fn can_step(&self, side: usize) -> bool {
        match &self.sites[side].out {
            None => false,
            Some(Out::Transfer { stopping: true, .. } | Out::Skip { stopping: true, .. }) => true,
            Some(Out::Transfer { opened: false, .. }) => true,
            Some(_) if side == SOURCE => !self.link.broken,
            Some(_) => !self.link.wire.is_empty(),
        }
    }

    pub(crate) fn perform(&mut self, action: Action) {
        if LOSSES.contains(&action) {
            self.losses_left -= 1;
            self.undisturbed = false;
        }
        match action {
            Action::Command(side) => {
                let command = self.sites[side].commands.pop_front().expect("one is there");
                self.tell_command(side, command);
            }
            Action::Step(side) => self.step(side),
            Action::FindBroken(side) => self.finish(side, Outcome::ConnectionLost),
            Action::TimeOut(side) => self.finish(side, Outcome::NotConnected),
            Action::Break => self.link.broken = true,
            Action::LoseControl(side) => {
                let site = &mut self.sites[side];
                site.alive = false;
                site.reserved = false;
                site.out = None;
                self.link.broken = true;
            }
            Action::Abort(side) => {
                self.sites[side].sent += 1;
                self.tell_command(side, Command::Abor);
            }
        }
        self.settle();
    }

    fn tell_command(&mut self, side: usize, command: Command) {
        self.sites[side].pi.handle_command(NOW, Ok(command));
    }

    fn finish(&mut self, side: usize, outcome: Outcome) {
        self.sites[side].out = None;
        let event = Event::Finished(outcome);
        self.sites[side].pi.handle_event(NOW, event);
    }

    fn step(&mut self, side: usize) {
        let out = self.sites[side]
            .out
            .clone()
            .expect("something is to be done");
        match out {
            Out::Transfer { stopping: true, .. } | Out::Skip { stopping: true, .. } => {
                self.finish(side, Outcome::Stopped);
            }
            Out::Transfer {
                opened: false,
                file,
                ..
            } => {
                if self.fate(side, file) == Fate::StoreRefuses {
                    return self.finish(side, Outcome::Refused(Refusal::NotFound));
                }
                if let Some(Out::Transfer { opened, .. }) = &mut self.sites[side].out {
                    *opened = true;
                }
                let event = Event::Opened(Opened::default());
                self.sites[side].pi.handle_event(NOW, event);
            }
            Out::Transfer { number, file, .. } if side == SOURCE => {
                let whole = self.fate(side, file) == Fate::Good;
                self.put(number, whole.then_some(file), whole);
            }
            Out::Transfer { number, file, .. } => self.take(number, Some(file)),
            Out::Skip { number, .. } if side == SOURCE => self.put(number, None, true),
            Out::Skip { number, .. } => self.take(number, None),
        }
    }

    /// The source puts a file on the wire.
    fn put(&mut self, number: u64, content: Option<usize>, well: bool) {
        if !self.link.made && !self.sites[DESTINATION].reserved {
            return self.finish(SOURCE, Outcome::NotConnected);
        }
        self.link.made = true;
        self.link.wire.push_back((number, content));
        self.finish(SOURCE, if well { KEPT } else { FAILED_ALONE });
    }

    /// The destination takes the next file from the wire.
    fn take(&mut self, expected: u64, wanted: Option<usize>) {
        let (number, content) = self.link.wire.pop_front().expect("a file was there");
        let outcome = match (wanted, content) {
            _ if number != expected => Outcome::OutOfStep,
            (None, _) => KEPT,
            (Some(_), None) => Outcome::SourceFailed,
            (Some(file), _) if self.fate(DESTINATION, file) == Fate::FailsMidway => FAILED_ALONE,
            (Some(file), Some(content)) => {
                assert_eq!(file, content, "a file was taken for another: {self:?}");
                self.stored.push((file, content));
                KEPT
            }
        };
        self.finish(DESTINATION, outcome);
    }

    fn fate(&self, side: usize, file: usize) -> Fate {
        let fate = self.fates.get(file).copied();
        let (source, destination) = fate.unwrap_or((Fate::Good, Fate::Good));
        if side == SOURCE { source } else { destination }
    }

    /// Carries out what the server-PIs want.
    fn settle(&mut self) {
        for side in [SOURCE, DESTINATION] {
            while let Some(effect) = self.sites[side].pi.poll_effect() {
                if self.sites[side].alive {
                    self.want(side, effect);
                }
            }
        }
    }

    fn want(&mut self, side: usize, effect: Effect) {
        let link_is_made = self.link.made;
        let site = &mut self.sites[side];
        let check_route = |route| {
            assert!(
                route != Route::Open || link_is_made,
                "no connection is open"
            );
        };
        match effect {
            Effect::Reply(reply) => {
                let code = reply.code().number();
                site.finals.extend((code >= 200).then_some(code));
            }
            Effect::Arrange(what) => {
                site.reserved = true;
                let event = Event::Arranged(Ok(granted(what)));
                site.pi.handle_event(NOW, event);
            }
            Effect::Transfer(transfer) => {
                check_route(transfer.route);
                let name = transfer.operation.path().file_name().map(str::to_owned);
                site.out = Some(Out::Transfer {
                    number: transfer.number.expect("a pipeline is on"),
                    file: name.and_then(|name| name.parse().ok()).expect("a number"),
                    opened: false,
                    stopping: false,
                });
            }
            Effect::Skip(skip) => {
                check_route(skip.route);
                site.out = Some(Out::Skip {
                    number: skip.number,
                    stopping: false,
                });
            }
            Effect::StopTransfer => match &mut site.out {
                Some(Out::Transfer { stopping, .. } | Out::Skip { stopping, .. }) => {
                    *stopping = true;
                }
                None => panic!("nothing to stop"),
            },
            // What is on the wire may still be read: it is closed in order.
            Effect::Disconnect => self.link.broken = true,
            Effect::Release => {
                site.reserved = false;
                self.link.broken |= self.link.made;
            }
            other => panic!("not in this world: {other:?}"),
        }
    }

    /// Nothing can happen any more: what must be true now? And does a new arrangement work?
    pub(crate) fn at_the_end(mut self) {
        for site in self.sites.iter().filter(|site| site.alive) {
            assert!(site.pi.is_idle(), "still at work: {self:?}");
            assert_eq!(site.finals.len(), site.sent, "one reply each: {self:?}");
        }
        for file in 0..self.fates.len() {
            let stored = self.stored.contains(&(file, file));
            if self.undisturbed {
                let good = self.fates[file] == (Fate::Good, Fate::Good);
                assert_eq!(self.is_done(file), good, "file {file}: {self:?}");
                assert_eq!(stored, good, "file {file}: {self:?}");
            } else if self.sites.iter().all(|site| site.sent == self.fates.len()) {
                assert!(stored || !self.is_done(file), "file {file}: {self:?}");
            }
        }
        if self.sites.iter().all(|site| site.alive) {
            self.arrange();
            self.losses_left = 0;
            let file = self.fates.len();
            self.sites[SOURCE].send(&format!("RETR {file}"));
            self.sites[DESTINATION].send(&format!("STOR {file}"));
            while let Some(action) = self.first_action() {
                self.perform(action);
            }
            assert!(self.stored.contains(&(file, file)), "not anew: {self:?}");
        }
    }

    /// Whether both servers say that the file is transferred.
    fn is_done(&self, file: usize) -> bool {
        let said = |site: &Site| site.finals.get(file).is_some_and(|code| *code < 300);
        self.sites.iter().all(said)
    }
}

impl Site {
    fn new() -> Self {
        let settings = Settings {
            peer: IpAddr::from([203, 0, 113, 5]),
            unpinned: Unpinned::ControlHost,
            clear_login: ClearLogin::Everyone,
            clear_transfers: ClearTransfers::Allowed,
            tls: TlsOffer::Absent,
            users_differ: false,
            mdtm_sets: false,
            hosts: Hosts::default(),
            limits: Limits::default(),
        };
        let mut pi = ServerPi::new(NOW, settings);
        let tell = |pi: &mut ServerPi, line: &str| {
            pi.handle_command(NOW, Command::parse(line.as_bytes()));
        };
        tell(&mut pi, "USER alice");
        tell(&mut pi, "PASS secret");
        let closed = "closed".try_into().expect("a pathname");
        let closed = VirtualPath::root().join(&closed).expect("a path");
        let identity = Identity {
            name: "alice".to_owned(),
            permissions: Permissions::all().beneath(closed, PermissionSet::default()),
            operator: false,
            clear_transfers: None,
        };
        pi.handle_event(NOW, Event::Authenticated(Some(identity)));
        for line in ["TYPE I", "MODE B", "OPTS PIPELINE ON"] {
            tell(&mut pi, line);
        }
        while pi.poll_effect().is_some() {}
        Self {
            pi,
            alive: true,
            reserved: false,
            commands: VecDeque::new(),
            sent: 0,
            finals: Vec::new(),
            out: None,
        }
    }

    fn send(&mut self, line: &str) {
        let command = Command::parse(line.as_bytes()).expect("a command");
        self.commands.push_back(command);
        self.sent += 1;
    }

    /// Whether it uses, or wants, the data connection.
    fn moves(&self) -> bool {
        !matches!(self.out, None | Some(Out::Transfer { opened: false, .. }))
    }
}

fn name(file: usize, fate: Fate) -> String {
    match fate {
        Fate::Refused => format!("closed/{file}"),
        _ => file.to_string(),
    }
}

fn granted(what: Arrange) -> Arranged {
    let may = Directions::BOTH;
    match what {
        Arrange::Listen { .. } => Arranged::Listening {
            port: 40002,
            host: IpAddr::from([198, 51, 100, 2]),
        },
        Arrange::Hold { .. } => Arranged::Held { port: 51003, may },
        Arrange::Target { .. } | Arrange::Pin { .. } => Arranged::Admitted { may },
    }
}

const SOURCE: usize = 0;
const DESTINATION: usize = 1;
const KEPT: Outcome = Outcome::Completed {
    bytes: 7,
    kept: true,
};
const FAILED_ALONE: Outcome = Outcome::Isolated(Refusal::Failed);
const NOW: Duration = Duration::ZERO;
