//! The last rung: two servers that refuse to meet, and a file that passes this host.

use std::sync::Arc;

use super::{net, path};
use crate::fake::{Answer, FakeNet, say};
use crate::fake_site::FakeSite;
use crate::{
    Arrangement, Error, ExitCode, Known, Operation, Pair, Policy, Relay, Report, Side, Via,
};

const SITE1: &str = "9.9.9.1:21";
const SITE2: &str = "9.9.9.2:21";

fn refuses_to_meet(line: &str) -> Option<Answer> {
    ["EPRT", "PORT", "PASV"]
        .iter()
        .any(|verb| line.starts_with(verb))
        .then(|| say("504 not permitted"))
}

type Odd = fn(&str) -> Option<Answer>;

async fn run(contents: &[u8], odd: [Odd; 2], policy: Policy) -> Ran {
    let (net, between) = (net(), Arc::default());
    let source = FakeSite::start(&net, SITE1, "SIZE,MLST", &between, odd[0]);
    source.with("a", contents, 1);
    let destination = FakeSite::start(&net, SITE2, "SIZE,MLST", &between, odd[1]);
    let mut pair = Pair::new(
        net.login(SITE1).await.unwrap(),
        net.login(SITE2).await.unwrap(),
        policy,
    );
    let mut results = Vec::new();
    for name in ["b", "c"] {
        let (from, to) = (path("a"), path(name));
        let transfer = pair.transfer(Operation::Copy, &from, &to);
        let limit = std::time::Duration::from_secs(10_000);
        let result = tokio::time::timeout(limit, transfer).await;
        results.push(result.expect("the client hangs"));
    }
    results.reverse();
    Ran {
        net,
        destination,
        result: results.pop().unwrap(),
        second: results.pop().unwrap(),
    }
}

struct Ran {
    net: FakeNet,
    destination: FakeSite,
    result: Result<Report, Error>,
    second: Result<Report, Error>,
}

#[tokio::test(start_paused = true)]
async fn what_two_servers_refuse_to_exchange_goes_through_this_host() {
    for length in [0, 1, 65_536, 1_000_000] {
        let contents = vec![7; length];
        let ran = run(&contents, [refuses_to_meet; 2], Policy::default()).await;
        let report = ran.result.unwrap();
        assert_eq!((report.arrangement, report.listener), (None, None));
        assert_eq!(report.bytes, Some(length as u64));
        assert_eq!(report.data_bytes_here, length as u64);
        assert!(report.verified);
        assert_eq!(ran.destination.contents("b"), Some(contents.clone()));
        assert_eq!(report.refusals.len(), 6);
        assert_eq!(ran.second.unwrap().refusals.len(), 0, "all was tried again");
        assert_eq!(ran.destination.contents("c"), Some(contents));
    }
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_is_asked_for_asks_neither_server_to_meet() {
    let policy = Policy {
        via: Via::Relay,
        ..Policy::default()
    };
    let ran = run(b"hello", [|_| None, |_| None], policy).await;
    assert_eq!(ran.result.unwrap().arrangement, None);
    for site in [SITE1, SITE2] {
        let sent = ran.net.sent_to(site);
        let met = |line: &String| line.starts_with("EPRT") || line.starts_with("LSTN");
        assert!(!sent.iter().any(met), "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_relay_is_refused_with_the_reason_of_every_rung() {
    let policy = Policy {
        relay: Relay::Never,
        ..Policy::default()
    };
    let error = run(b"hello", [refuses_to_meet; 2], policy)
        .await
        .result
        .unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::ThirdPartyRefused);
    let text = error.to_string();
    assert!(text.contains("--no-relay") && text.contains("504 not permitted"));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_never_commits_at_the_destination() {
    let breaks: Odd = |line| match line.split(' ').next() {
        Some("RETR") => Some(Answer::Say("150 here\r\n451 disk\r\n".to_owned())),
        _ => refuses_to_meet(line),
    };
    let missing: Odd = |line| match line.split(' ').next() {
        Some("RETR") => Some(say("550 no")),
        _ => refuses_to_meet(line),
    };
    for (odd, code) in [
        (breaks, ExitCode::Temporary),
        (missing, ExitCode::FileNotFound),
    ] {
        let ran = run(b"hello", [odd, refuses_to_meet], Policy::default()).await;
        assert_eq!(ran.result.unwrap_err().exit_code(), code);
        let sent = ran.net.sent_to(SITE2);
        assert!(
            !sent.iter().any(|line| line.starts_with("STOR")),
            "{sent:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_refuses_ends_the_source_too() {
    let full: Odd = |line| match line.split(' ').next() {
        Some("STOR") => Some(say("552 full")),
        _ => refuses_to_meet(line),
    };
    let ran = run(&[7; 1_000_000], [refuses_to_meet, full], Policy::default()).await;
    let error = ran.result.unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Refused, "{error}");
    assert!(ran.net.sent_to(SITE1).contains(&"ABOR".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_worked_before_is_tried_first_and_the_rest_of_the_ladder_after_it() {
    let known = |known| Policy {
        known: Some(known),
        ..Policy::default()
    };
    let epsv = Known::Direct {
        arrangement: Arrangement::Epsv,
        listener: Side::Source,
    };
    let first_asked = |ran: &Ran, site| {
        let sent = ran.net.sent_to(site);
        let arranges =
            |line: &&String| ["EPSV", "EPRT", "PASV"].iter().any(|v| line.starts_with(v));
        sent.iter().find(arranges).cloned()
    };
    let ran = run(b"hello", [|_| None, |_| None], known(epsv)).await;
    assert_eq!(ran.result.as_ref().unwrap().listener, Some(Side::Source));
    assert_eq!(first_asked(&ran, SITE1).as_deref(), Some("EPSV"));

    let ran = run(b"hello", [refuses_to_meet; 2], known(epsv)).await;
    let report = ran.result.as_ref().unwrap();
    assert_eq!((report.arrangement, report.refusals.len()), (None, 6));
    assert_eq!(
        report.refusals.last().unwrap().arrangement,
        Arrangement::Pasv
    );

    let ran = run(b"hello", [|_| None, |_| None], known(Known::Relay)).await;
    assert_eq!(ran.result.as_ref().unwrap().arrangement, None);
    assert!(
        ran.net
            .sent_to(SITE1)
            .iter()
            .all(|line| !line.starts_with("EPRT"))
    );

    let only_direct = Policy {
        relay: Relay::Never,
        ..known(Known::Relay)
    };
    let ran = run(b"hello", [|_| None, |_| None], only_direct).await;
    assert!(ran.result.unwrap().arrangement.is_some());
}
