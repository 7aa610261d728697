//! The whole state space of one server-PI, enumerated to its end, not sampled.
//!
//! From a logged-in session, every command of the alphabet and every answer of the world is
//! tried in every state that can be reached, until no new state appears. After each step the
//! [`Ledger`] checks what must hold whatever happens. Only the queue is cut: at most
//! [`QUEUED_MAX`] commands wait, and at most [`ABORTS_MAX`] ABORs are out.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::time::Duration;

use thirdhost_wire::{AcceptFilter, Command, Direction};

use super::*;

/// What the world may answer to the question that is out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Out {
    Nothing,
    Arrange(Arrange),
    Transfer { opened: bool, stopping: bool },
    Skip { stopping: bool },
    Establish,
}

/// The observer: it sees only what goes in and comes out.
#[derive(Clone, Debug)]
struct Ledger {
    /// Commands that have no final reply yet.
    owed: u32,
    /// Whether the running transfer has had its 1yz.
    preliminary: bool,
    /// The port the shell holds for the session.
    reserved: Option<Reserved>,
    /// Whom policy has admitted for the plan in force.
    admitted: Option<(AcceptFilter, Directions)>,
    out: Out,
    aborts: u32,
    /// What policy allows with every peer that it admits.
    grant: Directions,
    block: bool,
    /// Whether the open data connection is ESTA's or ESTP's, and no handshake has been made.
    raw: bool,
    /// What holds for the open data connection: LSTN's direction, and what policy allowed.
    open: Option<(Option<Direction>, Directions)>,
    /// The same for the transfer that runs.
    terms: (Option<Direction>, Directions),
    /// How the data connection, or the last one, was protected when it was made.
    made_under: Option<Protection>,
    /// The last number that was given, and whether its file may still have to be skipped.
    last: Option<(u64, bool)>,
    closed: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reserved {
    Listening(Option<Direction>),
    Held,
}

#[derive(Clone, Debug)]
struct Node {
    pi: ServerPi,
    ledger: Ledger,
}

#[derive(Clone, Debug)]
enum Input {
    Command(&'static str),
    Event(Event),
}

/// What a failed check tells; put into words only then, which is what makes the walk quick.
struct Context<'a> {
    input: &'a Input,
    pi: &'a ServerPi,
}

impl fmt::Display for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {:?} in {:?}", self.input, self.pi)
    }
}

//= rfc438#a.1
//= type=test
//# refusing to allocate such a socket
//= rfc438#a.2
//= type=test
//# sending the user the number of the socket allocated
#[test]
fn every_reachable_state_keeps_the_invariants() {
    let start = Node::logged_in(Unpinned::ControlHost, Directions::BOTH);
    let states = explore(&ALPHABET, start);
    // A guard against an alphabet that reaches nothing.
    assert!(states > 2_000, "only {states} states");
}

#[test]
fn every_reachable_state_keeps_the_invariants_when_unpinned_sockets_are_refused() {
    let start = Node::logged_in(Unpinned::Refuse, Directions::BOTH);
    assert!(explore(&ALPHABET, start) > 2_000);
}

#[test]
fn every_reachable_state_keeps_the_invariants_when_policy_allows_sending_alone() {
    let start = Node::logged_in(Unpinned::ControlHost, SEND_ONLY);
    assert!(explore(&ALPHABET, start) > 2_000);
}

#[test]
fn every_reachable_state_keeps_the_invariants_when_connections_are_made_early() {
    for (unpinned, grant) in [
        (Unpinned::ControlHost, SEND_ONLY),
        (Unpinned::Refuse, Directions::BOTH),
    ] {
        let states = explore(&EARLY_ALPHABET, Node::logged_in(unpinned, grant));
        assert!(states > 1_000, "only {states} states");
    }
}

#[test]
fn every_reachable_state_under_tls_keeps_the_invariants() {
    let states = explore(&TLS_ALPHABET, Node::protected());
    assert!(states > 2_000, "only {states} states");
}

#[test]
fn every_reachable_state_of_a_pipeline_keeps_the_invariants() {
    for alphabet in PIPELINE_ALPHABETS {
        let states = explore(&alphabet, Node::pipelined());
        assert!(states > 1_000, "only {states} states");
    }
}

fn explore(alphabet: &[&'static str], start: Node) -> usize {
    let mut seen = HashSet::new();
    let mut frontier = VecDeque::from([start]);
    while let Some(node) = frontier.pop_front() {
        for input in node.inputs(alphabet) {
            let mut next = node.clone();
            next.step(&input);
            if !next.ledger.closed && seen.insert(next.fingerprint()) {
                frontier.push_back(next);
            }
        }
    }
    seen.len()
}

impl Node {
    fn logged_in(unpinned: Unpinned, grant: Directions) -> Self {
        let mut pi = tests::session(unpinned);
        tests::log_in(&mut pi, Permissions::all());
        Self::with(pi, grant)
    }

    /// Under TLS, at PROT P.
    fn protected() -> Self {
        Self::with(
            tls_tests::protected(ClearTransfers::Allowed),
            Directions::BOTH,
        )
    }

    /// With OPTS PIPELINE ON, in MODE B.
    fn pipelined() -> Self {
        let mut pi = tests::session(Unpinned::ControlHost);
        let closed = VirtualPath::root().join(&"closed".try_into().unwrap());
        let nothing = PermissionSet::default();
        let permissions = Permissions::all().beneath(closed.unwrap(), nothing);
        tests::log_in(&mut pi, permissions);
        tests::check(&mut pi, "MODE B", "200");
        tests::check(&mut pi, "OPTS PIPELINE ON", "200");
        let mut node = Self::with(pi, Directions::BOTH);
        node.ledger.block = true;
        node
    }

    fn with(pi: ServerPi, grant: Directions) -> Self {
        let ledger = Ledger {
            owed: 0,
            preliminary: false,
            reserved: None,
            admitted: None,
            out: Out::Nothing,
            aborts: 0,
            grant,
            block: false,
            raw: false,
            open: None,
            terms: (None, Directions::BOTH),
            made_under: None,
            last: None,
            closed: false,
        };
        Self { pi, ledger }
    }

    /// Two nodes with the same fingerprint are taken for the same; it is 64 bits of all there is.
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        format!("{self:?}").hash(&mut hasher);
        hasher.finish()
    }

    fn inputs(&self, alphabet: &[&'static str]) -> Vec<Input> {
        let mut inputs = Vec::new();
        let room = self.ledger.owed <= QUEUED_MAX;
        // The numbers alone would make new states for ever.
        let counts = self.ledger.last.is_none_or(|(last, _)| last < NUMBERS_MAX);
        for &line in alphabet {
            let is_counted = matches!(line.get(..4), Some("RETR" | "STOR"));
            if (counts || !is_counted)
                && room
                && (line != "ABOR" || self.ledger.aborts < ABORTS_MAX)
            {
                inputs.push(Input::Command(line));
            }
        }
        inputs.extend(self.answers().into_iter().map(Input::Event));
        inputs
    }

    /// Everything the world may answer now.
    fn answers(&self) -> Vec<Event> {
        let failures = [
            Outcome::NotConnected,
            Outcome::NotAdmitted,
            Outcome::ConnectionLost,
            Outcome::Malformed,
            Outcome::TlsFailed(TlsFailure::Peer),
            Outcome::Refused(Refusal::NoSpace),
        ];
        let alone = [
            Outcome::Isolated(Refusal::NoSpace),
            Outcome::SourceFailed,
            Outcome::OutOfStep,
        ];
        let alone = alone
            .into_iter()
            .filter(|_| self.ledger.last.is_some_and(|(_, skippable)| skippable));
        match self.ledger.out {
            Out::Nothing => Vec::new(),
            Out::Arrange(what) => vec![
                Event::Arranged(Ok(granted(what, self.ledger.grant))),
                Event::Arranged(Err(ArrangeRefusal::NotPermitted)),
            ],
            Out::Establish => vec![
                Event::Established(thirdhost_wire::HostSocket::new(peer(), 50_000)),
                Event::Established(None),
            ],
            Out::Transfer {
                opened: false,
                stopping,
            } => {
                let mut events = vec![
                    Event::Opened(Opened::default()),
                    Event::Finished(Outcome::Refused(Refusal::NotFound)),
                ];
                if stopping {
                    events.push(Event::Finished(Outcome::Stopped));
                }
                events
            }
            Out::Transfer {
                opened: true,
                stopping,
            } => {
                let completed = Outcome::Completed {
                    bytes: 1,
                    kept: self.ledger.block,
                };
                let mut events: Vec<Event> = failures
                    .into_iter()
                    .chain([completed])
                    .chain(alone)
                    .map(Event::Finished)
                    .collect();
                if stopping {
                    events.push(Event::Finished(Outcome::Stopped));
                }
                events
            }
            Out::Skip { stopping } => {
                let completed = Outcome::Completed {
                    bytes: 0,
                    kept: true,
                };
                let stopped = stopping.then_some(Outcome::Stopped);
                let failures = [Outcome::NotConnected, Outcome::OutOfStep];
                let outcomes = failures.into_iter().chain([completed]).chain(stopped);
                outcomes.map(Event::Finished).collect()
            }
        }
    }

    fn step(&mut self, input: &Input) {
        let now = Duration::ZERO;
        match input {
            Input::Command(line) => {
                let command = Command::parse(line.as_bytes()).unwrap();
                self.ledger.owed += 1;
                self.ledger.aborts += u32::from(command == Command::Abor);
                self.pi.handle_command(now, Ok(command));
            }
            Input::Event(event) => {
                self.ledger.told(event);
                self.pi.handle_event(now, event.clone());
            }
        }
        while let Some(effect) = self.pi.poll_effect() {
            let context = Context {
                input,
                pi: &self.pi,
            };
            let protection = match &effect {
                Effect::Transfer(transfer) => Some(transfer.protection),
                Effect::Skip(skip) => Some(skip.protection),
                _ => None,
            };
            if let Some(protection) = protection {
                self.is_protected_as_asked(protection, &context);
            }
            self.ledger.saw(effect, &context);
        }
        let context = Context {
            input,
            pi: &self.pi,
        };
        self.ledger.at_rest(&self.pi, &context);
    }

    /// PROT P means TLS towards whom PEERCERT named; PROT C is never a way around PEERCERT.
    fn is_protected_as_asked(&self, protection: Protection, context: &Context<'_>) {
        let security = &self.pi.security;
        let private = security.level == thirdhost_wire::ProtectionLevel::Private;
        match protection {
            Protection::Clear => assert!(!private && security.peer.is_none(), "{context}"),
            Protection::Tls { peer, .. } => assert!(private && peer == security.peer, "{context}"),
        }
    }
}

impl Ledger {
    /// The world has answered.
    fn told(&mut self, event: &Event) {
        match event {
            Event::Arranged(result) => {
                if result.is_ok() {
                    self.last = None;
                }
                let Out::Arrange(what) = std::mem::replace(&mut self.out, Out::Nothing) else {
                    panic!("nobody asked for {event:?}")
                };
                if let Ok(arranged) = result {
                    let may = match arranged {
                        Arranged::Held { may, .. } | Arranged::Admitted { may } => *may,
                        Arranged::Listening { .. } => Directions::BOTH,
                    };
                    match what {
                        Arrange::Listen {
                            direction, on_held, ..
                        } => {
                            self.reserved = Some(Reserved::Listening(direction));
                            // What SOCK admitted before PASV stays (spec A-6).
                            self.admitted = self.admitted.filter(|_| on_held);
                        }
                        Arrange::Hold { target } => {
                            self.reserved = Some(Reserved::Held);
                            self.admitted = Some((AcceptFilter::HostPort(target), may));
                        }
                        Arrange::Target { target } => {
                            self.admitted = Some((AcceptFilter::HostPort(target), may));
                        }
                        Arrange::Pin { filter } => self.admitted = Some((filter, may)),
                    }
                }
            }
            Event::Established(socket) => {
                self.out = Out::Nothing;
                self.raw = socket.is_some();
                self.open = socket.map(|_| self.terms);
            }
            Event::Opened(_) => {
                if let Out::Transfer { opened, .. } = &mut self.out {
                    *opened = true;
                }
            }
            Event::Finished(outcome) => {
                self.out = Out::Nothing;
                // After a failure the shell may still hold the open connection: the server-PI
                // has to say that it is to be closed.
                match outcome {
                    Outcome::Completed { kept, .. } => self.open = kept.then_some(self.terms),
                    Outcome::Isolated(_) | Outcome::SourceFailed => self.open = Some(self.terms),
                    _ => {}
                }
            }
            _ => panic!("not in this enumeration: {event:?}"),
        }
    }

    /// The server-PI wants something.
    fn saw(&mut self, effect: Effect, context: &Context<'_>) {
        assert!(!self.closed, "an effect after Close: {context}");
        match effect {
            Effect::Reply(reply) => self.replied(reply.code().number(), context),
            Effect::Arrange(what) => {
                assert_eq!(self.out, Out::Nothing, "two questions at once: {context}");
                match what {
                    Arrange::Pin { .. } => {}
                    // The held port is used up, whatever comes of it.
                    Arrange::Listen { on_held: true, .. } => {
                        let held = self.reserved.take();
                        assert_eq!(held, Some(Reserved::Held), "no port is held: {context}");
                    }
                    _ => assert_eq!(self.reserved, None, "a second reservation: {context}"),
                }
                self.out = Out::Arrange(what);
            }
            Effect::Transfer(transfer) => {
                self.number(transfer.number, context);
                let direction = transfer.operation.direction();
                self.moves(direction, transfer.route, transfer.protection, context);
                self.out = Out::Transfer {
                    opened: false,
                    stopping: false,
                };
            }
            Effect::Skip(skip) => {
                self.skips(skip.number, context);
                self.moves(skip.direction, skip.route, skip.protection, context);
                self.out = Out::Skip { stopping: false };
            }
            Effect::Establish { route, direction } => {
                assert_eq!(self.out, Out::Nothing, "two things at once: {context}");
                assert_ne!(route, Route::Open, "it is open already: {context}");
                self.terms = self.allowed(route, context);
                self.keeps_terms(direction, context);
                self.out = Out::Establish;
            }
            Effect::Release => {
                self.reserved = None;
                self.admitted = None;
                // What PASV reserved is used up, and its connection goes on.
                if self.open.is_none() {
                    self.last = None;
                }
            }
            Effect::Disconnect => {
                assert!(self.open.is_some(), "no connection is open: {context}");
                self.open = None;
            }
            Effect::StopTransfer => match &mut self.out {
                Out::Transfer { stopping, .. } | Out::Skip { stopping } => {
                    assert!(!*stopping, "stopped twice: {context}");
                    *stopping = true;
                }
                Out::Establish => {}
                _ => panic!("no transfer to stop: {context}"),
            },
            Effect::Close => self.closed = true,
            Effect::AskProgress
            | Effect::Ask(_)
            | Effect::Authenticate { .. }
            | Effect::Introduce { .. }
            | Effect::StartTls
            | Effect::EndTls => {
                panic!("not in this enumeration: {context}")
            }
        }
    }

    /// One final reply per command, at most one 1yz, and that only once the file is open.
    fn replied(&mut self, code: u16, context: &Context<'_>) {
        if code < 200 {
            let opened = matches!(self.out, Out::Transfer { opened: true, .. });
            assert!(opened && !self.preliminary, "1yz out of place: {context}");
            self.preliminary = true;
            return;
        }
        assert!(self.owed > 0, "a reply nobody asked for: {context}");
        self.owed -= 1;
        self.preliminary = false;
        self.aborts = self.aborts.min(self.owed);
    }

    /// Numbers go up by one, also over those that were skipped.
    fn number(&mut self, number: Option<u64>, context: &Context<'_>) {
        let last = self.last.map_or(0, |(last, _)| last);
        assert!(
            number.is_none_or(|number| number == last + 1),
            "{number:?} behind {last}: {context}"
        );
        self.last = number.map(|number| (number, true)).or(self.last);
    }

    /// One place is filled at most once.
    fn skips(&mut self, number: u64, context: &Context<'_>) {
        let (last, skippable) = self.last.unwrap_or((0, false));
        let due = if number == last {
            skippable
        } else {
            number > last
        };
        assert!(due, "{number} is skipped behind {last}: {context}");
        self.last = Some((number, false));
    }

    /// No dial before policy, no data before the right peer, no direction but LSTN's.
    fn moves(
        &mut self,
        direction: Direction,
        route: Route,
        protection: Protection,
        context: &Context<'_>,
    ) {
        assert_eq!(self.out, Out::Nothing, "two things at once: {context}");
        if route == Route::Open && !self.raw {
            assert!(
                self.made_under.is_some_and(|made| serves(made, protection)),
                "a connection made under another protection: {context}"
            );
        } else {
            self.made_under = Some(protection);
        }
        self.raw = false;
        self.terms = self.allowed(route, context);
        self.keeps_terms(direction, context);
    }

    /// LSTN's direction and policy's word are kept.
    fn keeps_terms(&self, direction: Direction, context: &Context<'_>) {
        let (named, may) = self.terms;
        assert!(
            named.is_none_or(|named| named == direction),
            "not LSTN's direction: {context}"
        );
        assert!(
            may.allow(direction),
            "a direction policy does not allow: {context}"
        );
    }

    /// What holds for a data connection that comes about by `route`, which has to be there.
    fn allowed(&self, route: Route, context: &Context<'_>) -> (Option<Direction>, Directions) {
        let may = self.admitted.map_or(Directions::BOTH, |(_, may)| may);
        match route {
            Route::Open => self
                .open
                .unwrap_or_else(|| panic!("no connection is open: {context}")),
            Route::Call { target } => {
                let admitted = self.admitted.map(|(filter, _)| filter);
                let wanted = Some(AcceptFilter::HostPort(target));
                assert_eq!(admitted, wanted, "a call before policy: {context}");
                (None, may)
            }
            Route::Accept { filter } => {
                let Some(Reserved::Listening(named)) = self.reserved else {
                    panic!("nothing listens: {context}")
                };
                let control_host = AcceptFilter::Host(peer());
                let admitted = self.admitted.map_or(control_host, |(filter, _)| filter);
                assert_eq!(filter, admitted, "not the filter admitted: {context}");
                (named, may)
            }
        }
    }

    /// What holds when the server-PI wants nothing more for now.
    fn at_rest(&mut self, pi: &ServerPi, context: &Context<'_>) {
        if self.closed {
            assert_eq!(self.reserved, None, "a port is kept after Close: {context}");
            return;
        }
        self.block = pi.parameters.mode == thirdhost_wire::TransmissionMode::Block;
        if pi.is_idle() {
            assert_eq!(
                self.out,
                Out::Nothing,
                "idle with a question out: {context}"
            );

            assert_eq!(self.owed, 0, "a command without its final reply: {context}");
            self.aborts = 0;
            assert_eq!(
                pi.open.is_some(),
                self.open.is_some(),
                "open or not: {context}"
            );
            let active = matches!(pi.plan(), Plan::Active { local: None, .. } | Plan::Default);
            assert_eq!(
                active,
                self.reserved.is_none(),
                "plan and reservation differ: {context}"
            );
        } else {
            assert_ne!(self.out, Out::Nothing, "stuck: {context}");
        }
    }
}

/// Whether a connection made under one protection is good enough for another.
fn serves(made: Protection, wanted: Protection) -> bool {
    match (made, wanted) {
        (Protection::Clear, Protection::Clear) => true,
        (Protection::Tls { peer: made, .. }, Protection::Tls { peer: wanted, .. }) => {
            wanted.is_none() || made == wanted
        }
        _ => false,
    }
}

/// What the shell would answer to an arrangement that policy admits.
fn granted(what: Arrange, may: Directions) -> Arranged {
    match what {
        Arrange::Listen { .. } => Arranged::Listening {
            port: 40002,
            host: peer(),
        },
        Arrange::Hold { .. } => Arranged::Held { port: 51003, may },
        Arrange::Target { .. } | Arrange::Pin { .. } => Arranged::Admitted { may },
    }
}

fn peer() -> IpAddr {
    tests::peer()
}

/// Every command that touches the data connection, and a few that must not.
const ALPHABET: [&str; 15] = [
    "LSTN R",
    "LSTN S",
    "SOCK 198.51.100.2,40002",
    "SOCK 198.51.100.2,0",
    "PASV",
    "EPSV",
    "EPSV ALL",
    "PORT 198,51,100,2,156,66",
    "RETR f",
    "STOR f",
    "ABOR",
    "MODE B",
    "MODE S",
    "NOOP",
    "QUIT",
];

/// Data connections made ahead of transfers.
const EARLY_ALPHABET: [&str; 11] = [
    "LSTN R",
    "SOCK 198.51.100.2,40002",
    "PASV",
    "PORT 198,51,100,2,156,66",
    "ESTA",
    "ESTP",
    "RETR f",
    "STOR f",
    "ABOR",
    "MODE B",
    "QUIT",
];

/// Policy that admits a peer for sending alone.
const SEND_ONLY: Directions = Directions {
    send: true,
    receive: false,
};

/// What TLS adds to it, with enough of the rest to get anywhere.
const TLS_ALPHABET: [&str; 10] = [
    "LSTN R",
    "ESTA",
    "SOCK 198.51.100.2,40002",
    "CPSV",
    "PROT P",
    "PROT C",
    "SITE PEERCERT SHA256 4242424242424242424242424242424242424242424242424242424242424242",
    "RETR f",
    "STOR f",
    "MODE B",
];

/// What concerns a pipeline: some of it is refused by the server-PI, some by the store.
const PIPELINE_ALPHABETS: [[&str; 5]; 2] = [
    ["LSTN R", "STOR f", "STOR closed/f", "RETR f", "ABOR"],
    [
        "OPTS PIPELINE OFF",
        "PASV",
        "SOCK 198.51.100.2,40002",
        "STOR closed/f",
        "RETR f",
    ],
];

const NUMBERS_MAX: u64 = 3;
const QUEUED_MAX: u32 = 2;
const ABORTS_MAX: u32 = 2;
