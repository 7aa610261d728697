//! Two scripted servers and the pair between them.

use std::sync::{Arc, Mutex};

use thirdhost_wire::HostSocket;

use super::{net, path, polite};
use crate::fake::{Answer, FakeNet, say};
use crate::told::Caller;
use crate::{Arrangement, Error, ExitCode, Operation, Pair, Policy, Relay, Report, Side, Via};

const SITE1: &str = "9.9.9.1:21";
const SITE2: &str = "9.9.9.2:21";
const OURS: &str = "LSTN S;R;,SOCK IPv4;IPv6;ANY;,SIZE";

/// A server that does third-party transfers; APPE makes its file 8 bytes long, from 3.
fn obliging(line: &str, features: &str, grown: &Mutex<u64>) -> Answer {
    match line.split(' ').next().unwrap_or_default() {
        "LSTN" => say("255 SOCK 40002"),
        "SOCK" if line.ends_with(",40002") => say("255 SOCK 51003"),
        "SOCK" => say("255 SOCK 40002"),
        "EPSV" => say("229 Entering (|||40002|)"),
        "PASV" => say("227 Entering (9,9,9,2,156,66)"),
        "SIZE" => say(&format!("213 {}", grown.lock().unwrap())),
        "RETR" | "STOR" => Answer::Say("150 soon\r\n226 done\r\n".to_owned()),
        "APPE" => {
            *grown.lock().unwrap() += 5;
            Answer::Say("150 soon\r\n226 done\r\n".to_owned())
        }
        "ABOR" => say("225 nothing to abort"),
        _ => polite(line, features),
    }
}

type Odd = Arc<dyn Fn(&str) -> Option<Answer> + Send + Sync>;

/// Both servers, obliging but for what `odd` says of each.
fn servers(net: &FakeNet, features: &'static str, source: Odd, destination: Odd, there: u64) {
    for (site, odd, length) in [(SITE1, source, 5), (SITE2, destination, there)] {
        let grown = Mutex::new(length);
        net.control(site, move |line| {
            odd(line).unwrap_or_else(|| obliging(line, features, &grown))
        });
    }
}

fn nothing_odd() -> Odd {
    Arc::new(|_| None)
}

/// Says something else to every line that begins so.
fn odd(prefix: &'static str, answer: Answer) -> Odd {
    Arc::new(move |line| line.starts_with(prefix).then(|| answer.clone()))
}

async fn pair(net: &FakeNet, policy: Policy) -> Pair {
    let source = net.login(SITE1).await.unwrap();
    let destination = net.login(SITE2).await.unwrap();
    Pair::new(source, destination, policy)
}

async fn transfer(net: &FakeNet, policy: Policy, operation: Operation) -> Result<Report, Error> {
    let mut pair = pair(net, policy).await;
    let (from, to) = (path("PROG1.PL1"), path("PROG2.PL1"));
    let report = pair.transfer(operation, &from, &to);
    let limit = std::time::Duration::from_secs(100 * 3600);
    tokio::time::timeout(limit, report)
        .await
        .expect("the client hangs")
}

fn via(arrangement: Arrangement) -> Policy {
    Policy {
        via: Via::Only(arrangement),
        ..Policy::default()
    }
}

//= rfc438#example.4
//= type=test
//# RETR PROG1.PL1                   APPE PROG2.Pl1 CRLF
//= spec#T-24
//= type=test
#[tokio::test(start_paused = true)]
async fn the_example_of_the_rfc_runs_and_no_byte_comes_here() {
    let net = net();
    servers(&net, OURS, nothing_odd(), nothing_odd(), 3);
    let report = transfer(&net, Policy::default(), Operation::Append)
        .await
        .unwrap();
    assert_eq!(
        (report.bytes, report.verified, report.data_bytes_here),
        (Some(5), true, 0)
    );
    assert_eq!(
        (report.arrangement, report.listener),
        (Some(Arrangement::Lstn), Some(Side::Destination))
    );
    let skip = ["USER", "PASS", "FEAT", "TYPE", "STRU", "MODE", "SIZE"];
    let dialogue: Vec<String> = net
        .transcript()
        .into_iter()
        .filter(|line| line.contains(" > ") && !skip.iter().any(|verb| line.contains(verb)))
        .collect();
    assert_eq!(
        dialogue,
        [
            "9.9.9.2:21 > LSTN R",
            "9.9.9.1:21 > SOCK 9.9.9.2,40002",
            "9.9.9.2:21 > SOCK 9.9.9.1,51003",
            "9.9.9.1:21 > RETR PROG1.PL1",
            "9.9.9.2:21 > APPE PROG2.PL1",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_second_file_needs_no_arrangement() {
    let net = net();
    servers(&net, OURS, nothing_odd(), nothing_odd(), 5);
    let mut pair = pair(&net, Policy::default()).await;
    let names = (path("a"), path("b"));
    assert!(
        pair.transfer(Operation::Copy, &names.0, &names.1)
            .await
            .unwrap()
            .arranged
    );
    let before = net.sent_to(SITE2).len();
    assert!(
        !pair
            .transfer(Operation::Copy, &names.0, &names.1)
            .await
            .unwrap()
            .arranged
    );
    assert_eq!(net.sent_to(SITE2).split_off(before), ["STOR b", "SIZE b"]);
}

#[tokio::test(start_paused = true)]
async fn servers_without_lstn_are_brought_together_by_epsv() {
    let net = net();
    servers(&net, "SIZE", nothing_odd(), nothing_odd(), 5);
    let report = transfer(&net, Policy::default(), Operation::Copy)
        .await
        .unwrap();
    assert_eq!(report.arrangement, Some(Arrangement::Epsv));
    assert_eq!(report.refusals.len(), 2, "{:?}", report.refusals);
}

#[tokio::test(start_paused = true)]
async fn the_ladder_is_climbed_and_every_rung_says_why_it_failed() {
    let net = net();
    let no = || odd("SOCK", say("504 not permitted"));
    let port: Odd = Arc::new(|line| {
        let refused = ["SOCK", "EPRT", "PORT"]
            .iter()
            .any(|verb| line.starts_with(verb));
        refused.then(|| say("504 not permitted"))
    });
    servers(&net, OURS, port.clone(), port, 5);
    let policy = Policy {
        relay: Relay::Never,
        ..Policy::default()
    };
    let error = transfer(&net, policy, Operation::Copy).await.unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::ThirdPartyRefused);
    let Error::ThirdPartyRefused { refusals, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(refusals.len(), 6);
    assert!(error.to_string().contains("--no-relay"), "{error}");
    assert!(
        error.to_string().matches("504 not permitted").count() >= 4,
        "{error}"
    );

    let net = FakeNet::default();
    servers(&net, OURS, no(), nothing_odd(), 5);
    let report = transfer(&net, Policy::default(), Operation::Copy)
        .await
        .unwrap();
    assert_eq!(report.arrangement, Some(Arrangement::Epsv));
}

//= spec#T-23
//= type=test
//= security#S-20
//= type=test
#[tokio::test(start_paused = true)]
async fn a_lying_227_is_never_passed_on() {
    for (told, expected) in [
        ("227 Entering (8,8,8,8,156,66)", None),
        ("227 Entering (9,9,9,2,0,25)", None),
        (
            "227 Entering (10,0,0,1,156,66)",
            Some("PORT 9,9,9,2,156,66"),
        ),
    ] {
        let net = net();
        servers(&net, "", nothing_odd(), odd("PASV", say(told)), 5);
        let mut policy = via(Arrangement::Pasv);
        policy.listen = crate::Listen::Only(Side::Destination);
        let result = transfer(&net, policy, Operation::Copy).await;
        let sent = net.sent_to(SITE1);
        let port = sent.iter().find(|line| line.starts_with("PORT"));
        assert_eq!(port.map(String::as_str), expected, "{told}");
        assert_eq!(result.is_ok(), expected.is_some(), "{told}");
        assert_eq!(net.calls(), [SITE1, SITE2], "a third address was called");
    }
}

//= security#S-22
//= type=test
#[tokio::test(start_paused = true)]
async fn a_port_of_a_system_service_is_never_passed_on() {
    for (arrangement, verb, told) in [
        (Arrangement::Lstn, "LSTN", "255 SOCK 1023"),
        (Arrangement::Epsv, "EPSV", "229 Entering (|||1023|)"),
        (Arrangement::Pasv, "PASV", "227 Entering (9,9,9,2,3,255)"),
    ] {
        let net = net();
        servers(&net, OURS, nothing_odd(), odd(verb, say(told)), 5);
        let mut policy = via(arrangement);
        policy.listen = crate::Listen::Only(Side::Destination);
        let result = transfer(&net, policy, Operation::Copy).await;
        assert!(result.is_err(), "{told}");
        let passed_on = |line: &String| {
            ["PORT", "EPRT", "SOCK"]
                .iter()
                .any(|verb| line.starts_with(verb))
        };
        assert!(!net.sent_to(SITE1).iter().any(passed_on), "{told}");
        assert_eq!(net.calls(), [SITE1, SITE2], "{told}");
    }
}

//= spec#T-25
//= type=test
#[tokio::test(start_paused = true)]
async fn a_missing_source_leaves_the_destination_alone() {
    let net = net();
    servers(
        &net,
        OURS,
        odd("SIZE", say("550 no such file")),
        nothing_odd(),
        5,
    );
    let error = transfer(&net, Policy::default(), Operation::Copy)
        .await
        .unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::FileNotFound);
    assert_eq!(error.side(), Some(Side::Source));
    let sent = net.sent_to(SITE2);
    assert!(
        !sent
            .iter()
            .any(|line| line.starts_with("STOR") || line.starts_with("LSTN"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_size_that_differs_afterwards_is_no_success() {
    let net = net();
    servers(&net, OURS, nothing_odd(), nothing_odd(), 4);
    let error = transfer(&net, Policy::default(), Operation::Copy)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Verification {
                expected: 5,
                found: 4,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.exit_code(), ExitCode::VerificationFailed);
}

#[tokio::test(start_paused = true)]
async fn whatever_one_server_does_at_whatever_step_nothing_hangs_or_passes_for_done() {
    let long_line = [b"220 ".as_slice(), &vec![b'x'; 10_000_000], b"\r\n"].concat();
    for step in [
        "TYPE I", "STRU", "MODE", "SIZE", "LSTN", "SOCK", "RETR", "STOR",
    ] {
        for answer in [
            Answer::Silence,
            Answer::Close,
            Answer::Octets(long_line.clone()),
            Answer::Repeat("150-again\r\n"),
            say("421 going down"),
            say("599 no"),
            say("451 not now"),
            say("350 more?"),
            say("150 soon"),
            Answer::Say("226 done\r\n226 done\r\n".to_owned()),
        ] {
            check_odd(step, answer).await;
        }
    }
}

async fn check_odd(step: &'static str, answer: Answer) {
    let net = net();
    let logged_in = Mutex::new(0);
    let told = answer.clone();
    let late: Odd = Arc::new(move |line| {
        // The first TYPE belongs to the login.
        let mut types = logged_in.lock().unwrap();
        *types += u32::from(line == "TYPE I");
        (line.starts_with(step) && *types > 1).then(|| told.clone())
    });
    let (source, destination) = if step == "STOR" || step == "LSTN" {
        (nothing_odd(), late)
    } else {
        (late, nothing_odd())
    };
    servers(&net, OURS, source, destination, 5);
    let result = transfer(&net, via(Arrangement::Lstn), Operation::Copy).await;
    // TYPE, STRU, MODE, RETR and STOR may rightly be answered 226, but not twice.
    if let Ok(report) = &result {
        assert_eq!(report.listener, Some(Side::Source), "{step} {answer:?}");
    }
    let aborted = |site| net.sent_to(site).iter().any(|line| line == "ABOR");
    if matches!(answer, Answer::Silence | Answer::Close) && step == "RETR" {
        assert!(
            aborted(SITE2),
            "{step} {answer:?}: the survivor was left alone"
        );
    }
    if matches!(answer, Answer::Silence | Answer::Close) && step == "STOR" {
        assert!(result.is_err(), "{step} {answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_append_is_not_tried_again_on_what_it_left_behind() {
    let net = net();
    let appended = Mutex::new(false);
    let leaves: Odd = Arc::new(move |line| {
        let mut appended = appended.lock().unwrap();
        match line.split(' ').next() {
            Some("APPE") => {
                *appended = true;
                Some(Answer::Say("150 soon\r\n425 lost it\r\n".to_owned()))
            }
            Some("SIZE") => Some(say(if *appended { "213 4" } else { "213 3" })),
            _ => None,
        }
    });
    servers(&net, OURS, nothing_odd(), leaves, 3);
    let error = transfer(&net, Policy::default(), Operation::Append)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Verification {
                expected: 3,
                found: 4,
                ..
            }
        ),
        "{error}"
    );
    let appends = net
        .sent_to(SITE2)
        .iter()
        .filter(|line| line.starts_with("APPE"))
        .count();
    assert_eq!(appends, 1);
}

/// A listener with one port, where a server may still call whose control connection is lost.
#[tokio::test(start_paused = true)]
async fn a_file_waits_until_nobody_can_call_its_socket_for_another() {
    let net = net();
    servers(&net, "SIZE", nothing_odd(), nothing_odd(), 5);
    let mut pair = pair(&net, via(Arrangement::Epsv)).await;
    let environment = pair.source().environment.clone();
    let socket = HostSocket::new([9, 9, 9, 2].into(), 40_002).unwrap();
    drop(Caller::new(&environment, socket));
    let began = tokio::time::Instant::now();
    let (from, to) = (path("a"), path("b"));
    pair.transfer(Operation::Copy, &from, &to).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 120);
    // The next one finds it used up.
    pair.transfer(Operation::Copy, &from, &to).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 120);

    let _calling = Caller::new(&environment, socket);
    let error = pair.transfer(Operation::Copy, &from, &to).await;
    let error = error.unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Temporary, "{error}");
    let called = net.sent_to(SITE1);
    let called = called.iter().filter(|line| line.starts_with("EPRT"));
    assert_eq!(called.count(), 2);
}
