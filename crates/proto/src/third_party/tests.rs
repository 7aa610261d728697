//! Every order in which two servers can answer, and every way in which they can fail.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::net::IpAddr;

use super::*;
use thirdhost_wire::{ByteRange, HostSocket, Pathname, ReplyCode};

/// A server as the enumeration knows it: what it was sent and has not answered.
#[derive(Clone, Debug, Default)]
struct Model {
    unanswered: VecDeque<Command>,
    /// It said 1yz to the oldest.
    begun: bool,
    lost: bool,
    log: Vec<String>,
    /// What it said to RETR, STOR or APPE in the end.
    said: Option<u16>,
}

#[derive(Clone, Copy, Debug)]
enum Happening {
    Answer(u16),
    Lose,
    /// The clock's word, which concerns neither server.
    Elapse,
    /// The user's word, which concerns both.
    Stop,
}

#[derive(Clone)]
struct World {
    machine: ThirdParty,
    servers: BySide<Model>,
    order: Vec<(Side, String)>,
}

fn plan(arrangement: Arrangement, listener: Side, pin: bool) -> Plan {
    Plan {
        arrangement,
        listener,
        hosts: BySide {
            source: SITE1,
            destination: SITE2,
        },
        trust_passive_address: BySide::default(),
        pin,
        low_ports: false,
        store_first: false,
        parameters: Parameters::default(),
        protection: Protection::Clear,
    }
}

fn job(operation: Operation) -> Job {
    let path = |name| Pathname::try_from(name).unwrap();
    Job {
        operation,
        from: path("PROG1.PL1"),
        to: path("PROG2.PL1"),
        offset: 0,
        range: None,
    }
}

fn reply(code: u16, text: &str) -> Reply {
    Reply::new(ReplyCode::new(code).unwrap(), text)
}

impl World {
    fn new(machine: ThirdParty) -> Self {
        let mut world = Self {
            machine,
            servers: BySide::default(),
            order: Vec::new(),
        };
        world.perform();
        world
    }

    fn perform(&mut self) {
        while let Some(effect) = self.machine.poll_effect() {
            match effect {
                Effect::Send { side, command } => {
                    let server = self.servers.of_mut(side);
                    assert!(!server.lost, "{command:?} was sent to the lost {side}");
                    let line = line(&command);
                    server.log.push(line.clone());
                    server.unanswered.push_back(command);
                    self.order.push((side, line));
                }
                Effect::Close { side } => self.servers.of_mut(side).lost = true,
            }
        }
    }

    fn happen(&mut self, side: Side, happening: Happening) {
        let server = self.servers.of_mut(side);
        match happening {
            Happening::Elapse => self.machine.handle(Event::Elapsed),
            Happening::Stop => self.machine.handle(Event::Stop),
            Happening::Lose => {
                server.lost = true;
                self.machine.handle(Event::Lost { side });
            }
            Happening::Answer(code) => {
                let text = match server.unanswered.front() {
                    Some(Command::Lstn { .. }) if code == 255 => "SOCK 40002",
                    Some(Command::Sock(_)) if code == 255 => match &server.unanswered[0] {
                        Command::Sock(sock) if sock.socket == 40002 => "SOCK 51003",
                        _ => "SOCK 40002",
                    },
                    Some(Command::Size(_)) => "1234",
                    Some(Command::Epsv(_)) => "Entering (|||40002|)",
                    Some(Command::Pasv | Command::Cpsv) => "Entering (10,0,0,1,156,66)",
                    _ => "text",
                };
                if code / 100 == 1 {
                    server.begun = true;
                } else if code != 421 {
                    let answered = server.unanswered.pop_front();
                    if matches!(
                        answered,
                        Some(Command::Retr(_) | Command::Stor(_) | Command::Appe(_))
                    ) {
                        server.said = Some(code);
                    }
                    server.begun = false;
                } else {
                    server.lost = true;
                }
                self.machine.handle(Event::Reply {
                    side,
                    reply: reply(code, text),
                });
            }
        }
        self.perform();
    }

    /// All that this server may do next.
    fn possible(&self, side: Side) -> Vec<Happening> {
        use Happening::{Answer, Lose};
        let server = self.servers.of(side);
        if server.lost {
            return Vec::new();
        }
        let Some(command) = server.unanswered.front() else {
            return vec![Lose];
        };
        let mut all: Vec<Happening> = match command {
            Command::Abor => vec![Answer(226), Answer(225), Answer(502)],
            Command::Retr(_) | Command::Stor(_) | Command::Appe(_) => {
                let mut all = vec![Answer(226), Answer(425), Answer(426), Answer(550)];
                if !server.begun {
                    all.push(Answer(150));
                }
                all
            }
            Command::Lstn { .. } | Command::Sock(_) => vec![Answer(255), Answer(425), Answer(504)],
            Command::Size(_) => vec![Answer(213), Answer(550), Answer(450), Answer(502)],
            Command::Mlst(_) => vec![Answer(250), Answer(550), Answer(500)],
            Command::Epsv(_) => vec![Answer(229), Answer(522)],
            Command::Pasv | Command::Cpsv => vec![Answer(227), Answer(425)],
            Command::Rest(_) | Command::Rang(_) => vec![Answer(350), Answer(501), Answer(200)],
            _ => vec![Answer(200), Answer(451), Answer(501)],
        };
        all.extend([Answer(421), Lose, Happening::Elapse, Happening::Stop]);
        all
    }

    fn check(&self) {
        let Some(outcome) = self.machine.outcome() else {
            return;
        };
        for side in Side::BOTH {
            let server = self.servers.of(side);
            assert!(
                server.lost || server.unanswered.is_empty(),
                "ended while the {side} owes {:?}",
                server.unanswered
            );
            let transferred = server.said.is_some_and(|code| code == 226);
            if let Outcome::Done(_) = outcome {
                assert!(
                    transferred && !server.lost,
                    "done, but the {side} did not say 2yz"
                );
            } else {
                self.check_aborted(side, outcome);
            }
        }
        if let Outcome::Refused(failure) = outcome {
            assert_ne!(failure.step, Step::Presence);
            assert!(Side::BOTH.iter().all(|&side| !self.servers.of(side).lost));
        }
        let both = Side::BOTH
            .iter()
            .all(|&side| self.servers.of(side).said == Some(226));
        let lost = Side::BOTH.iter().any(|&side| self.servers.of(side).lost);
        let stopped = matches!(
            outcome,
            Outcome::Failed(failure) if failure.cause == Cause::Stopped
        );
        if both && !lost && !stopped {
            assert!(matches!(outcome, Outcome::Done(_)));
        }
    }

    /// A survivor that had a plan or a transfer was told ABOR, unless its own refusal ended both.
    fn check_aborted(&self, side: Side, outcome: &Outcome) {
        let server = self.servers.of(side);
        let (Outcome::Failed(failure) | Outcome::Refused(failure)) = outcome else {
            return;
        };
        let asked = server
            .log
            .iter()
            .any(|line| ["RETR", "STOR", "APPE"].contains(&verb(line)));
        let stopped = failure.cause == Cause::Stopped;
        let survived = !server.lost && (stopped || side != failure.side);
        if survived && asked && server.said.is_none_or(|code| code == 426) {
            let aborted = server.log.last().is_some_and(|line| line == "ABOR");
            let ended_itself = failure.cause.reply().is_some() && server.said.is_some();
            assert!(
                aborted || ended_itself,
                "the {side} was left alone: {:?}",
                self.order
            );
        }
        assert!(server.log.iter().filter(|line| *line == "ABOR").count() <= 1);
    }
}

fn line(command: &Command) -> String {
    let mut bytes = Vec::new();
    command.encode(&mut bytes);
    String::from_utf8(bytes).unwrap().trim_end().to_owned()
}

fn verb(line: &str) -> &str {
    line.split(' ').next().unwrap()
}

/// Visits every state that can be reached; returns the command orders of the ends that are done.
fn enumerate(first: World) -> (usize, BTreeSet<String>) {
    let mut seen = HashSet::new();
    let mut done = BTreeSet::new();
    let mut left = vec![first];
    while let Some(world) = left.pop() {
        world.check();
        match world.machine.outcome() {
            Some(Outcome::Done(_)) => {
                let lines = world.order.iter().filter(|(_, line)| {
                    !["TYPE", "STRU", "MODE", "SIZE", "MLST"].contains(&verb(line))
                });
                let lines: Vec<String> = lines
                    .map(|(side, line)| format!("{side}: {line}"))
                    .collect();
                done.insert(lines.join("; "));
                continue;
            }
            Some(_) => continue,
            None => {}
        }
        for side in Side::BOTH {
            for happening in world.possible(side) {
                let mut next = world.clone();
                next.happen(side, happening);
                if seen.insert(format!("{:?}{:?}", next.machine, next.servers)) {
                    left.push(next);
                }
            }
        }
    }
    (seen.len(), done)
}

fn check(arrangement: Arrangement, listener: Side, pin: bool, expected: &str) {
    for (operation, store) in [(Operation::Copy, "STOR"), (Operation::Append, "APPE")] {
        let plan = plan(arrangement, listener, pin);
        let (states, done) = enumerate(World::new(ThirdParty::new(plan, job(operation))));
        let expected = expected.replace("STORE", store);
        assert_eq!(
            done,
            BTreeSet::from([expected]),
            "{arrangement}, {listener} listens"
        );
        assert!(states > 500, "only {states} states were reached");
    }
}

//= rfc438#example.1
//= type=test
//# LSTN R CRLF
//= rfc438#example.2
//= type=test
//# SOCK SITE2,X CRLF
//= rfc438#example.3
//= type=test
//# SOCK SITE1,Y CRLF
//= rfc438#example.4
//= type=test
//# RETR PROG1.PL1                   APPE PROG2.Pl1 CRLF
#[test]
fn the_order_of_the_rfc_is_kept_however_the_replies_interleave_and_fail() {
    check(
        Arrangement::Lstn,
        Side::Destination,
        false,
        "destination: LSTN R; source: SOCK 198.51.100.2,40002; \
         destination: SOCK 192.0.2.1,51003; source: RETR PROG1.PL1; destination: STORE PROG2.PL1",
    );
    check(
        Arrangement::Lstn,
        Side::Source,
        false,
        "source: LSTN S; destination: SOCK 192.0.2.1,40002; \
         source: SOCK 198.51.100.2,51003; source: RETR PROG1.PL1; destination: STORE PROG2.PL1",
    );
}

#[test]
fn a_file_gone_on_with_begins_at_the_same_octet_at_both() {
    let job = Job {
        offset: 100,
        ..job(Operation::Copy)
    };
    let plan = plan(Arrangement::Lstn, Side::Destination, false);
    let (states, done) = enumerate(World::new(ThirdParty::new(plan, job)));
    let expected = "destination: LSTN R; source: SOCK 198.51.100.2,40002; \
         destination: SOCK 192.0.2.1,51003; source: REST 100; destination: REST 100; \
         source: RETR PROG1.PL1; destination: STOR PROG2.PL1";
    assert_eq!(done, BTreeSet::from([expected.to_owned()]));
    assert!(states > 500, "only {states} states were reached");
}

#[test]
fn nothing_is_transferred_unless_both_say_350_to_where_it_goes_on() {
    for (said, goes_on) in [
        ([(S, 350, "ok"), (D, 350, "ok")], true),
        ([(S, 350, "ok"), (D, 504, "REST?")], false),
        ([(S, 200, "ok"), (D, 350, "ok")], false),
    ] {
        let job = Job {
            offset: 100,
            ..job(Operation::Copy)
        };
        let plan = plan(Arrangement::Lstn, D, false);
        let mut world = World::new(ThirdParty::new(plan, job));
        run(&mut world, PARAMETERS);
        run(
            &mut world,
            &[
                (S, 213, "500"),
                (D, 255, "SOCK 40002"),
                (S, 255, "SOCK 51003"),
                (D, 255, "SOCK 40002"),
            ],
        );
        run(&mut world, &said);
        let transfers = world
            .order
            .iter()
            .filter(|(_, line)| ["RETR", "STOR"].contains(&verb(line)));
        assert_eq!(transfers.count(), if goes_on { 2 } else { 0 }, "{said:?}");
        if !goes_on {
            run(&mut world, &[(S, 226, "abor"), (D, 226, "abor")]);
            let Some(Outcome::Failed(failure)) = world.machine.outcome() else {
                panic!("{said:?}: not failed")
            };
            assert_eq!(failure.step, Step::Restart, "{said:?}");
        }
    }
}

#[test]
fn a_range_of_a_file_is_named_to_both() {
    let job = Job {
        range: ByteRange::new(100, 199),
        ..job(Operation::Copy)
    };
    let plan = plan(Arrangement::Lstn, Side::Destination, false);
    let (states, done) = enumerate(World::new(ThirdParty::new(plan, job)));
    let expected = "destination: LSTN R; source: SOCK 198.51.100.2,40002; \
         destination: SOCK 192.0.2.1,51003; source: RANG 100 199; destination: RANG 100 199; \
         source: RETR PROG1.PL1; destination: STOR PROG2.PL1";
    assert_eq!(done, BTreeSet::from([expected.to_owned()]));
    assert!(states > 500, "only {states} states were reached");
}

#[test]
fn passive_arrangements_keep_their_order_with_and_without_a_pin() {
    check(
        Arrangement::Epsv,
        Side::Destination,
        false,
        "destination: EPSV; source: EPRT |1|198.51.100.2|40002|; \
         source: RETR PROG1.PL1; destination: STORE PROG2.PL1",
    );
    check(
        Arrangement::Epsv,
        Side::Source,
        true,
        "source: EPSV; destination: EPRT |1|192.0.2.1|40002|; source: SOCK 198.51.100.2,0; \
         source: RETR PROG1.PL1; destination: STORE PROG2.PL1",
    );
    check(
        Arrangement::Pasv,
        Side::Destination,
        true,
        "destination: PASV; source: PORT 198,51,100,2,156,66; destination: SOCK 192.0.2.1,0; \
         source: RETR PROG1.PL1; destination: STORE PROG2.PL1",
    );
    check(
        Arrangement::Pasv,
        Side::Source,
        false,
        "source: PASV; destination: PORT 192,0,2,1,156,66; \
         source: RETR PROG1.PL1; destination: STORE PROG2.PL1",
    );
}

/// What each is told of the other's certificate.
const SHOWN: BySide<Option<[u8; 32]>> = BySide {
    source: Some([0xd2; 32]),
    destination: Some([0x51; 32]),
};

fn check_tls(plan: Plan, roles: Roles, expected: &str) {
    let plan = Plan {
        protection: Protection::Tls(roles),
        ..plan
    };
    let (states, done) = enumerate(World::new(ThirdParty::new(plan, job(Operation::Copy))));
    let expected = expected
        .replace("<1>", &"51".repeat(32))
        .replace("<2>", &"d2".repeat(32));
    assert!(!done.is_empty(), "{roles:?}");
    for found in done {
        // SSCN goes out with the parameters, in either order.
        let mut found: Vec<&str> = found.split("; ").collect();
        let roles_end = found
            .iter()
            .take_while(|line| line.contains("SSCN"))
            .count();
        found[..roles_end].sort_unstable();
        assert_eq!(found.join("; "), expected, "{roles:?}");
    }
    assert!(states > 500, "only {states} states were reached");
}

#[test]
fn one_end_is_the_tls_client_and_each_learns_the_others_certificate_before_the_transfer() {
    let both = BySide {
        source: true,
        destination: true,
    };
    let roles = |client, by, knows_sscn, told| Roles {
        client,
        by,
        knows_sscn,
        told,
    };
    let transfer = "source: RETR PROG1.PL1; destination: STOR PROG2.PL1";
    let arranged = "destination: LSTN R; source: SOCK 198.51.100.2,40002; \
                    destination: SOCK 192.0.2.1,51003; source: SITE PEERCERT SHA256 <2>; \
                    destination: SITE PEERCERT SHA256 <1>";
    for (client, sscn) in [
        (D, "destination: SSCN ON; source: SSCN OFF"),
        (S, "destination: SSCN OFF; source: SSCN ON"),
    ] {
        check_tls(
            plan(Arrangement::Lstn, D, false),
            roles(client, ClientBy::Sscn, both, SHOWN),
            &format!("{sscn}; {arranged}; {transfer}"),
        );
    }
    // A server that does not know SSCN is not told; one that cannot check is told nothing.
    let source_alone = BySide {
        source: true,
        destination: false,
    };
    let told = BySide {
        source: SHOWN.source,
        destination: None,
    };
    check_tls(
        plan(Arrangement::Epsv, D, false),
        roles(S, ClientBy::Sscn, source_alone, told),
        &format!(
            "source: SSCN ON; destination: EPSV; source: EPRT |1|198.51.100.2|40002|; \
             source: SITE PEERCERT SHA256 <2>; {transfer}"
        ),
    );
    check_tls(
        plan(Arrangement::Pasv, D, false),
        roles(D, ClientBy::Cpsv, BySide::default(), BySide::default()),
        &format!("destination: CPSV; source: PORT 198,51,100,2,156,66; {transfer}"),
    );
}

#[test]
fn a_server_that_does_not_know_a_parameter_has_its_default_and_no_other() {
    let usual = Parameters::default();
    let records = Parameters {
        structure: Structure::Record,
        ..usual
    };
    let blocks = Parameters {
        mode: TransmissionMode::Block,
        ..usual
    };
    // What is asked for; which of TYPE, STRU and MODE is answered with what else; is it borne.
    for (parameters, place, code, borne) in [
        (usual, 0, 502, false),
        (usual, 1, 502, true),
        (usual, 1, 530, false),
        (usual, 2, 500, true),
        (usual, 2, 504, true),
        (usual, 2, 550, false),
        (records, 1, 504, false),
        (records, 2, 502, true),
        (blocks, 1, 502, true),
        (blocks, 2, 502, false),
    ] {
        let plan = Plan {
            parameters,
            ..plan(Arrangement::Lstn, D, false)
        };
        let mut world = World::new(ThirdParty::new(plan, job(Operation::Copy)));
        run(
            &mut world,
            &[(D, 200, "ok"), (D, 200, "ok"), (D, 200, "ok")],
        );
        for parameter in 0..=place {
            let code = if parameter == place { code } else { 200 };
            run(&mut world, &[(S, code, "a parameter")]);
        }
        for _ in place..2 {
            if borne {
                run(&mut world, &[(S, 200, "ok")]);
            }
        }
        let asked = format!("{parameters:?}, {code} to the one in place {place}");
        if borne {
            assert_eq!(world.order.last().unwrap().1, "SIZE PROG1.PL1", "{asked}");
        } else {
            let Some(Outcome::Failed(failure)) = world.machine.outcome() else {
                panic!("{asked}: not failed")
            };
            let place = (failure.side, failure.step);
            assert_eq!(place, (S, Step::Parameters), "{asked}");
        }
    }
}

#[test]
fn a_server_that_does_not_learn_its_part_or_its_peer_is_left_for_another_way() {
    let roles = Roles {
        client: D,
        by: ClientBy::Sscn,
        knows_sscn: BySide {
            source: true,
            destination: true,
        },
        told: SHOWN,
    };
    let plan = Plan {
        protection: Protection::Tls(roles),
        ..plan(Arrangement::Lstn, D, false)
    };
    let new = || {
        let mut world = World::new(ThirdParty::new(plan.clone(), job(Operation::Copy)));
        run(&mut world, PARAMETERS);
        world
    };
    // SSCN OFF unknown at the source is no harm; SSCN ON at the destination has to be done.
    let mut world = new();
    run(&mut world, &[(S, 502, "SSCN?"), (D, 500, "no TLS")]);
    let Some(Outcome::Refused(failure)) = world.machine.outcome() else {
        panic!("not refused")
    };
    assert_eq!((failure.side, failure.step), (D, Step::Protect));

    let mut world = new();
    run(
        &mut world,
        &[(S, 200, "SSCN"), (D, 200, "SSCN"), (S, 213, "5")],
    );
    let arranged = [
        (D, 255, "SOCK 40002"),
        (S, 255, "SOCK 51003"),
        (D, 255, "SOCK 40002"),
    ];
    run(&mut world, &arranged);
    run(&mut world, &[(S, 503, "no TLS"), (D, 200, "ok")]);
    run(&mut world, &[(S, 225, "idle"), (D, 226, "released")]);
    let Some(Outcome::Refused(failure)) = world.machine.outcome() else {
        panic!("not refused")
    };
    assert_eq!((failure.side, failure.step), (S, Step::Name));
    assert!(!world.order.iter().any(|(_, line)| verb(line) == "RETR"));
}

/// Runs a script: each line is `source|destination` and a code with text, in the order given.
fn run(world: &mut World, script: &[(Side, u16, &str)]) {
    for &(side, code, text) in script {
        let server = world.servers.of_mut(side);
        if code / 100 != 1 {
            server.unanswered.pop_front();
        }
        world.machine.handle(Event::Reply {
            side,
            reply: reply(code, text),
        });
        world.perform();
    }
}

fn arranged() -> World {
    let plan = plan(Arrangement::Lstn, Side::Destination, false);
    let mut world = World::new(ThirdParty::new(plan, job(Operation::Copy)));
    run(&mut world, PARAMETERS);
    run(
        &mut world,
        &[
            (S, 213, "5"),
            (D, 255, "SOCK 40002"),
            (S, 255, "SOCK 51003"),
        ],
    );
    run(
        &mut world,
        &[(D, 255, "SOCK 40002"), (S, 150, "ok"), (D, 150, "ok")],
    );
    world
}

//= rfc438#d.2
//= type=test
//# specification of the acceptable RFC for
//# subsequent data transfer command
#[test]
fn many_files_go_over_one_arrangement_and_a_failure_ends_it() {
    let mut world = arranged();
    run(&mut world, &[(S, 226, "sent"), (D, 226, "stored")]);
    let Some(Outcome::Done(done)) = world.machine.outcome() else {
        panic!("not done")
    };
    assert_eq!(done.source_bytes, Some(5));
    // Nothing is heard after the end.
    for side in Side::BOTH {
        world.machine.handle(Event::Reply {
            side,
            reply: reply(226, "again"),
        });
        assert_eq!(world.machine.poll_effect(), None);
    }
    assert!(world.machine.is_arranged());
    world.order.clear();
    world.machine.next_job(job(Operation::Append)).unwrap();
    world.perform();
    run(&mut world, &[(S, 213, "5")]);
    let sent: Vec<&str> = world.order.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(sent, ["SIZE PROG1.PL1", "RETR PROG1.PL1", "APPE PROG2.PL1"]);
    world.order.clear();
    run(&mut world, &[(S, 226, "sent"), (D, 452, "full")]);
    // The source listens still, or could; the destination's failure has ended its own part.
    assert_eq!(world.order, [(S, "ABOR".to_owned())]);
    run(&mut world, &[(S, 225, "idle")]);
    let Some(Outcome::Failed(failure)) = world.machine.outcome() else {
        panic!("not failed")
    };
    let said = |side| failure.of(side).and_then(Cause::reply);
    assert_eq!(said(S), Some(&reply(226, "sent")));
    assert_eq!(said(D), Some(&reply(452, "full")));
    assert!(!world.machine.is_arranged());
    assert!(world.machine.next_job(job(Operation::Copy)).is_err());
}

#[test]
fn a_missing_source_never_touches_the_destination_and_leaves_the_arrangement() {
    let mut world = arranged();
    run(&mut world, &[(S, 226, "sent"), (D, 226, "stored")]);
    world.machine.next_job(job(Operation::Copy)).unwrap();
    world.perform();
    world.order.clear();
    run(&mut world, &[(S, 550, "no such file")]);
    let Some(Outcome::Failed(failure)) = world.machine.outcome() else {
        panic!("not failed")
    };
    assert_eq!((failure.side, failure.step), (S, Step::Presence));
    assert!(world.order.is_empty(), "{:?}", world.order);
    world.machine.next_job(job(Operation::Copy)).unwrap();
    world.perform();
    run(&mut world, &[(S, 213, "5")]);
    assert_eq!(world.order.last().unwrap().1, "STOR PROG2.PL1");
}

#[test]
fn a_source_that_knows_no_size_is_asked_for_facts_and_then_goes_first() {
    let plan = plan(Arrangement::Lstn, Side::Destination, false);
    let mut world = World::new(ThirdParty::new(plan, job(Operation::Copy)));
    run(&mut world, PARAMETERS);
    run(&mut world, &[(S, 502, "SIZE?"), (S, 500, "MLST?")]);
    run(
        &mut world,
        &[
            (D, 255, "SOCK 40002"),
            (S, 255, "SOCK 51003"),
            (D, 200, "ok"),
        ],
    );
    assert_eq!(world.order.last().unwrap().1, "RETR PROG1.PL1");
    assert_eq!(world.machine.wait(), Wait::Patience);
    let mut refused = world.clone();
    run(&mut refused, &[(S, 550, "no such file"), (D, 225, "idle")]);
    assert!(matches!(
        refused.machine.outcome(),
        Some(Outcome::Failed(_))
    ));
    assert!(!refused.order.iter().any(|(_, line)| verb(line) == "STOR"));
    for event in [
        Event::Elapsed,
        Event::Reply {
            side: S,
            reply: reply(150, "ok"),
        },
    ] {
        let mut going = world.clone();
        going.machine.handle(event);
        going.perform();
        assert_eq!(going.order.last().unwrap().1, "STOR PROG2.PL1");
    }
}

#[test]
fn a_destination_that_is_deaf_before_stor_gets_it_first_if_the_source_is_there() {
    let plan = Plan {
        store_first: true,
        ..plan(Arrangement::Epsv, Side::Destination, false)
    };
    let arranged = |presence: &[(Side, u16, &str)]| {
        let mut world = World::new(ThirdParty::new(plan.clone(), job(Operation::Copy)));
        run(&mut world, PARAMETERS);
        run(&mut world, presence);
        run(&mut world, &[(D, 229, "(|||40002|)"), (S, 200, "ok")]);
        world
    };
    let world = arranged(&[(S, 213, "5")]);
    assert_eq!(world.order.last().unwrap().1, "STOR PROG2.PL1");
    assert_eq!(world.machine.wait(), Wait::Patience);
    for event in [
        Event::Elapsed,
        Event::Reply {
            side: D,
            reply: reply(150, "ok"),
        },
    ] {
        let mut going = world.clone();
        going.machine.handle(event);
        going.perform();
        assert_eq!(going.order.last().unwrap().1, "RETR PROG1.PL1");
    }
    let mut refused = world;
    run(&mut refused, &[(D, 553, "no"), (S, 225, "idle")]);
    assert!(refused.machine.outcome().is_some());
    assert!(!refused.order.iter().any(|(_, line)| verb(line) == "RETR"));
    // Nobody knows whether the source is there: the destination's own file comes first.
    let unsure = arranged(&[(S, 502, "SIZE?"), (S, 500, "MLST?")]);
    assert_eq!(unsure.order.last().unwrap().1, "RETR PROG1.PL1");
}

#[test]
fn a_directory_is_not_transferred_and_a_file_is() {
    for (kind, is_file) in [
        ("dir", false),
        ("cdir", false),
        ("pdir", false),
        ("file", true),
    ] {
        let plan = plan(Arrangement::Epsv, Side::Destination, false);
        let mut world = World::new(ThirdParty::new(plan, job(Operation::Copy)));
        run(&mut world, PARAMETERS);
        run(&mut world, &[(S, 502, "SIZE?")]);
        let facts = Reply::multi(
            ReplyCode::new(250).unwrap(),
            "Listing",
            [format!("type={kind};modify=20260101000000; PROG1.PL1")],
            "End",
        );
        world.machine.handle(Event::Reply {
            side: S,
            reply: facts,
        });
        world.perform();
        if is_file {
            assert_eq!(world.order.last().unwrap().1, "EPSV");
            continue;
        }
        let Some(Outcome::Failed(failure)) = world.machine.outcome() else {
            panic!("{kind}: not failed")
        };
        assert_eq!(failure.step, Step::Presence, "{kind}");
    }
}

/// What one arrangement reply leads to: the step it fails at, or `None` if it goes on.
fn check_unusable(arrangement: Arrangement, code: u16, text: &str, expected: Option<Step>) {
    let plan = plan(arrangement, Side::Destination, false);
    let mut world = World::new(ThirdParty::new(plan, job(Operation::Copy)));
    run(&mut world, PARAMETERS);
    run(&mut world, &[(S, 213, "5"), (D, code, text)]);
    if expected.is_some() {
        run(&mut world, &[(D, 225, "nothing to abort")]);
    }
    let step = match world.machine.outcome() {
        Some(Outcome::Refused(failure)) => {
            let is_refusal = matches!(failure.cause, Cause::Reply(_));
            assert_eq!(is_refusal, code >= 400, "{code} {text}");
            Some(failure.step)
        }
        _ => None,
    };
    assert_eq!(step, expected, "{code} {text}");
}

#[test]
fn a_lying_or_unreadable_address_is_not_passed_on() {
    use Arrangement::{Epsv, Lstn, Pasv};
    check_unusable(Pasv, 227, "Entering (198,51,100,2,156,66)", None);
    check_unusable(Pasv, 227, "Entering (10,1,1,1,156,66)", None);
    check_unusable(Pasv, 227, "Entering (9,9,9,9,156,66)", Some(Step::Listen));
    check_unusable(
        Pasv,
        227,
        "Entering (198,51,100,2,0,25)",
        Some(Step::Listen),
    );
    check_unusable(
        Pasv,
        227,
        "Entering (198,51,100,256,1,1)",
        Some(Step::Listen),
    );
    check_unusable(Pasv, 227, "Entering passive mode", Some(Step::Listen));
    check_unusable(Epsv, 229, "Entering (|||40002|)", None);
    check_unusable(Epsv, 229, "Entering (|||22|)", Some(Step::Listen));
    check_unusable(Epsv, 229, "Entering (|||0|)", Some(Step::Listen));
    check_unusable(Epsv, 229, "Entering (|||99999|)", Some(Step::Listen));
    check_unusable(Lstn, 255, "SOCK 40002", None);
    check_unusable(Lstn, 255, "SOCK 0", Some(Step::Listen));
    check_unusable(Lstn, 255, "SOCK 80", Some(Step::Listen));
    check_unusable(Lstn, 200, "fine", Some(Step::Listen));
    check_unusable(Lstn, 550, "SOCK 40002", Some(Step::Listen));
    check_unusable(Epsv, 425, "(|||40002|)", Some(Step::Listen));
}

fn avoiding(arrangement: Arrangement) -> World {
    let plan = plan(arrangement, Side::Destination, false);
    let mut world = World::new(ThirdParty::new(plan, job(Operation::Copy)));
    let called = HostSocket::new(SITE2, 40_002).unwrap();
    world.machine.avoid(BTreeSet::from([called]));
    run(&mut world, PARAMETERS);
    run(&mut world, &[(S, 213, "5")]);
    world.order.clear();
    world
}

#[test]
fn a_listener_that_tells_where_another_may_call_is_asked_again() {
    let mut world = avoiding(Arrangement::Epsv);
    let same = (D, 229, "Entering (|||40002|)");
    run(&mut world, &[same, same, (D, 229, "Entering (|||40003|)")]);
    assert_eq!(world.machine.asked_again(), 2);
    let lines = world
        .order
        .iter()
        .map(|(side, line)| format!("{side} {line}"));
    let expected = [
        "destination EPSV",
        "destination EPSV",
        "source EPRT |1|198.51.100.2|40003|",
    ];
    assert_eq!(lines.collect::<Vec<_>>(), expected);
}

#[test]
fn a_listener_that_tells_nothing_else_fails_for_now_and_nobody_is_told_to_call() {
    let mut world = avoiding(Arrangement::Epsv);
    while world.machine.outcome().is_none() {
        let is_abort = world.servers.destination.unanswered.front() == Some(&Command::Abor);
        let said = if is_abort {
            (225, "idle")
        } else {
            (229, "Entering (|||40002|)")
        };
        run(&mut world, &[(D, said.0, said.1)]);
    }
    let Some(Outcome::Failed(failure)) = world.machine.outcome() else {
        panic!("another way would be no better")
    };
    assert_eq!((failure.side, failure.step), (D, Step::Listen));
    assert_eq!(world.machine.asked_again(), 133);
    assert!(world.order.iter().all(|(side, _)| *side == D));
}

/// The caller is named too: nobody else gets in.
#[test]
fn a_socket_of_lstn_is_taken_whoever_may_call_there() {
    let mut world = avoiding(Arrangement::Lstn);
    run(&mut world, &[(D, 255, "SOCK 40002")]);
    assert_eq!(world.order.last().unwrap().1, "SOCK 198.51.100.2,40002");
}

//= rfc438#d.1
//= type=test
//# the 255 reply can not be deferred until receipt
//# of a data transfer command
#[test]
fn a_sock_answered_without_a_number_is_refused_and_the_listener_released() {
    for (code, text) in [(200, "ok"), (255, "SOCK 0"), (255, "SOCK")] {
        let plan = plan(Arrangement::Lstn, Side::Destination, false);
        let mut world = World::new(ThirdParty::new(plan, job(Operation::Copy)));
        run(&mut world, PARAMETERS);
        run(
            &mut world,
            &[(S, 213, "5"), (D, 255, "SOCK 40002"), (S, code, text)],
        );
        assert_eq!(world.order.last().unwrap().1, "ABOR", "{code} {text}");
        run(&mut world, &[(S, 225, "idle"), (D, 226, "released")]);
        let Some(Outcome::Refused(failure)) = world.machine.outcome() else {
            panic!("not refused: {code} {text}")
        };
        assert_eq!((failure.side, failure.step), (S, Step::Call));
        // Replies to ABOR are nobody's part of a transfer.
        assert_eq!(failure.other, None, "{code} {text}");
    }
}

#[test]
fn a_listener_that_changes_its_socket_when_pinned_is_not_used() {
    let plan = plan(Arrangement::Lstn, Side::Destination, false);
    let mut world = World::new(ThirdParty::new(plan, job(Operation::Copy)));
    run(&mut world, PARAMETERS);
    run(
        &mut world,
        &[
            (S, 213, "5"),
            (D, 255, "SOCK 40002"),
            (S, 255, "SOCK 51003"),
        ],
    );
    run(
        &mut world,
        &[(D, 255, "SOCK 40004"), (S, 226, "ok"), (D, 226, "ok")],
    );
    let Some(Outcome::Refused(failure)) = world.machine.outcome() else {
        panic!("not refused")
    };
    assert_eq!((failure.side, failure.step), (D, Step::Pin));
}

#[test]
fn the_socket_of_a_227_is_told_to_the_other_server() {
    let plan = plan(Arrangement::Pasv, D, false);
    let mut world = World::new(ThirdParty::new(plan, job(Operation::Copy)));
    run(&mut world, PARAMETERS);
    run(&mut world, &[(S, 213, "5")]);
    assert_eq!(world.order.last().unwrap().1, "PASV");
    run(&mut world, &[(D, 227, "Entering (198,51,100,2,156,66)")]);
    let told = (S, "PORT 198,51,100,2,156,66".to_owned());
    assert_eq!(*world.order.last().unwrap(), told);
}

#[test]
fn an_arrangement_is_called_by_its_commands() {
    for arrangement in [Arrangement::Lstn, Arrangement::Epsv, Arrangement::Pasv] {
        let told = arrangement.to_string();
        let first = told.split(' ').next().unwrap();
        assert_eq!(first, format!("{arrangement:?}").to_uppercase());
    }
}

#[test]
fn a_step_is_told_in_words_that_say_what_was_asked() {
    use Step::{Call, Listen, Name, Parameters, Pin, Presence, Protect, Restart, Transfer};
    for (step, word) in [
        (Parameters, "parameters"),
        (Presence, "is there"),
        (Listen, "listen"),
        (Call, "whom to call"),
        (Pin, "who may call"),
        (Protect, "TLS"),
        (Name, "certificate"),
        (Restart, "go on"),
        (Transfer, "transfer"),
    ] {
        assert!(step.to_string().contains(word), "{step:?}: {step}");
    }
}

#[test]
fn pasv_between_ipv6_hosts_is_not_even_tried() {
    let mut plan = plan(Arrangement::Pasv, Side::Destination, false);
    plan.hosts.destination = "2001:db8::2".parse().unwrap();
    let mut world = World::new(ThirdParty::new(plan, job(Operation::Copy)));
    run(&mut world, PARAMETERS);
    run(&mut world, &[(S, 213, "5")]);
    assert!(matches!(world.machine.outcome(), Some(Outcome::Refused(_))));
    assert_eq!(world.order.last().unwrap().1, "SIZE PROG1.PL1");
}

#[test]
fn no_connection_is_worth_another_way_and_a_full_disk_is_not() {
    for (replies, another_way) in [
        (
            [(S, 425, "refused"), (D, 426, "aborted"), (D, 226, "abor")],
            true,
        ),
        (
            [
                (D, 425, "nobody came"),
                (S, 426, "aborted"),
                (S, 226, "abor"),
            ],
            true,
        ),
        (
            [(S, 426, "reset"), (D, 425, "wrong peer"), (D, 226, "abor")],
            true,
        ),
        (
            [(S, 426, "reset"), (D, 426, "aborted"), (D, 226, "abor")],
            false,
        ),
        (
            [(D, 452, "full"), (S, 426, "aborted"), (S, 226, "abor")],
            false,
        ),
        (
            [(S, 550, "gone"), (D, 425, "aborted"), (D, 226, "abor")],
            false,
        ),
    ] {
        let mut world = arranged();
        run(&mut world, &replies);
        let outcome = world.machine.outcome().unwrap();
        assert_eq!(
            matches!(outcome, Outcome::Refused(_)),
            another_way,
            "{outcome:?}"
        );
        let (Outcome::Refused(failure) | Outcome::Failed(failure)) = outcome else {
            panic!()
        };
        assert!(
            failure.of(S).is_some() && failure.of(D).is_some(),
            "both texts are kept (U-5)"
        );
    }
}

#[test]
fn what_is_stopped_before_the_transfer_is_not_worth_another_way() {
    for answered in 0..3 {
        let plan = plan(Arrangement::Lstn, D, true);
        let mut world = World::new(ThirdParty::new(plan, job(Operation::Copy)));
        run(&mut world, PARAMETERS);
        run(&mut world, &[(S, 213, "5")]);
        let arranging = [(D, 255, "SOCK 40002"), (S, 255, "SOCK 51003")];
        run(&mut world, &arranging[..answered]);
        world.machine.handle(Event::Stop);
        world.perform();
        // What it was asked last, and what it holds.
        for _ in 0..2 {
            for side in Side::BOTH {
                if !world.servers.of(side).unanswered.is_empty() {
                    run(&mut world, &[(side, 226, "ok")]);
                }
            }
        }
        let Some(Outcome::Failed(failure)) = world.machine.outcome() else {
            panic!("not failed after {answered}: {:?}", world.machine.outcome())
        };
        assert_eq!(failure.cause, Cause::Stopped);
    }
}

#[test]
fn whoever_failed_first_and_is_lost_then_is_not_what_the_other_said() {
    let mut world = arranged();
    run(&mut world, &[(D, 452, "full")]);
    world.servers.of_mut(D).lost = true;
    world.machine.handle(Event::Lost { side: D });
    world.perform();
    run(&mut world, &[(S, 426, "aborted"), (S, 226, "abor")]);
    let Some(Outcome::Failed(failure)) = world.machine.outcome() else {
        panic!("not failed")
    };
    let said = |side| failure.of(side).and_then(Cause::reply);
    assert_eq!(said(D), Some(&reply(452, "full")));
    assert_eq!(said(S), Some(&reply(426, "aborted")));
}

#[test]
fn the_wait_says_what_is_waited_for() {
    let mut world = arranged();
    assert_eq!(world.machine.wait(), Wait::Transfer);
    run(&mut world, &[(S, 226, "sent")]);
    assert_eq!(world.machine.wait(), Wait::Straggler);
}

#[test]
fn a_server_that_answers_nothing_is_closed_and_the_other_aborted() {
    let mut world = arranged();
    run(&mut world, &[(S, 226, "sent")]);
    world.machine.handle(Event::Reply {
        side: S,
        reply: reply(226, "again"),
    });
    world.perform();
    assert!(world.servers.source.lost);
    assert_eq!(world.order.last().unwrap(), &(D, "ABOR".to_owned()));
    run(&mut world, &[(D, 426, "aborted"), (D, 226, "abor")]);
    let Some(Outcome::Failed(failure)) = world.machine.outcome() else {
        panic!("not failed")
    };
    assert!(matches!(failure.cause, Cause::OutOfStep(_)));
}

const S: Side = Side::Source;
const D: Side = Side::Destination;
const SITE1: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const SITE2: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 2));
const PARAMETERS: &[(Side, u16, &str)] = &[
    (S, 200, "TYPE"),
    (D, 200, "TYPE"),
    (S, 200, "STRU"),
    (D, 200, "STRU"),
    (S, 200, "MODE"),
    (D, 200, "MODE"),
];
