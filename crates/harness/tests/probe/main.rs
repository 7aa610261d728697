//! `thirdhost probe` names what refuses, and what to write into which file, for each server as it
//! comes.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::fs;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;
use thirdhost_harness::binaries;
use thirdhost_harness::peers::{self, Running, Setting, ThirdParty};

/// A server that comes without third-party transfers, and what its people would have to write.
struct Case {
    peer: &'static str,
    /// For it to call another host.
    calls: &'static str,
    /// For it to let another host call; `None` if it does.
    listens: Option<&'static str>,
}

const CASES: &[Case] = &[
    Case {
        peer: "vsftpd",
        calls: "port_promiscuous=YES",
        listens: Some("pasv_promiscuous=YES"),
    },
    Case {
        peer: "ProFTPD",
        calls: "AllowForeignAddress on",
        // Between addresses of loopback; elsewhere it refuses.
        listens: None,
    },
    Case {
        peer: "Pure-FTPd",
        calls: "-w",
        listens: Some("-w"),
    },
    Case {
        peer: "pyftpdlib",
        calls: "permit_foreign_addresses = True",
        listens: Some("permit_foreign_addresses = True"),
    },
];

#[test]
fn the_line_that_would_allow_it_is_named_for_every_server_as_it_comes() {
    let ours = peers::named("thirdhostd").unwrap();
    let Some(other) = start(ours, OTHER, ThirdParty::Allowed) else {
        return;
    };
    // Some say nothing until the client gives up: they are waited for side by side.
    thread::scope(|scope| {
        for case in CASES {
            let peer = peers::named(case.peer).unwrap();
            for side in ["source", "destination"] {
                let other = &other;
                scope.spawn(move || {
                    let Some(running) = start(peer, HOST, ThirdParty::Default) else {
                        return;
                    };
                    match side {
                        "source" => check(&running, other, side, case),
                        _ => check(other, &running, side, case),
                    }
                });
            }
        }
    });
}

#[test]
fn thirdhostd_as_it_comes_is_told_whom_its_user_may_meet() {
    let ours = peers::named("thirdhostd").unwrap();
    let (Some(one), Some(two)) = (
        start(ours, HOST, ThirdParty::Default),
        start(ours, OTHER, ThirdParty::Allowed),
    ) else {
        return;
    };
    let send_to = Case {
        peer: "thirdhostd",
        calls: "third_party = { send_to = [\"127.0.0.3/32\"] }",
        listens: Some("third_party = { send_to = [\"127.0.0.3/32\"] }"),
    };
    check(&one, &two, "source", &send_to);
    let receive_from = Case {
        peer: "thirdhostd",
        calls: "third_party = { receive_from = [\"127.0.0.3/32\"] }",
        listens: Some("third_party = { receive_from = [\"127.0.0.3/32\"] }"),
    };
    check(&two, &one, "destination", &receive_from);
}

#[test]
fn a_way_that_works_is_found_and_nothing_stays_behind() {
    let ours = peers::named("thirdhostd").unwrap();
    let gridftp = peers::named("GridFTP").unwrap();
    let (Some(one), Some(two)) = (
        start(ours, HOST, ThirdParty::Allowed),
        start(gridftp, OTHER, ThirdParty::Default),
    ) else {
        return;
    };
    for options in [&[][..], &["--read-only"]] {
        let (code, events) = probe(&one, &two, options);
        assert_eq!(code, Some(0), "{events:?}");
        let verdict = if options.is_empty() {
            "works"
        } else {
            "granted"
        };
        let epsv = events.iter().filter(|event| event["arrangement"] == "epsv");
        let verdicts: Vec<&Value> = epsv.map(|event| &event["verdict"]).collect();
        assert_eq!(verdicts, [verdict, verdict], "{events:?}");
        for running in [&one, &two] {
            let left: Vec<_> = fs::read_dir(running.files()).unwrap().collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }
}

/// The server at `side` refuses its parts, and each refusal names the line for its part.
fn check(source: &Running, destination: &Running, side: &str, case: &Case) {
    let (code, events) = probe(source, destination, &[]);
    let is_asked = |event: &&Value| event["event"] == "trial" && event["verdict"] != "not_offered";
    let asked: Vec<&Value> = events.iter().filter(is_asked).collect();
    for event in &asked {
        let expected = match event["listener"] == side {
            true => case.listens,
            false => Some(case.calls),
        };
        match expected {
            None => assert_eq!(event["verdict"], "works", "{}: {event}", case.peer),
            Some(line) => {
                assert_eq!(event["side"], side, "{}: {event}", case.peer);
                assert_eq!(event["line"], line, "{}: {event}", case.peer);
            }
        }
    }
    assert!(asked.len() >= 4, "{}: {events:?}", case.peer);
    let last = events.last().unwrap();
    assert_eq!(last[side]["product"], case.peer);
    let expected = if case.listens.is_some() { 11 } else { 0 };
    assert_eq!(code, Some(expected), "{}: {events:?}", case.peer);
}

fn probe(source: &Running, destination: &Running, options: &[&str]) -> (Option<i32>, Vec<Value>) {
    let home = tempfile::tempdir().unwrap();
    let mut netrc = String::new();
    for running in [source, destination] {
        let [user, password] = running.peer().login();
        let host = running.address().ip();
        netrc.push_str(&format!(
            "machine {host} login {user} password {password}\n"
        ));
    }
    fs::write(home.path().join(".netrc"), netrc).unwrap();
    let output = Command::new(binaries::path("thirdhost").unwrap())
        .args(["probe", "--json"])
        .args(options)
        .args([source.url("ftp", ""), destination.url("ftp", "")])
        .env_clear()
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let events = String::from_utf8(output.stdout).unwrap();
    let events = events
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    (output.status.code(), events.collect())
}

fn start(
    peer: &'static dyn peers::Peer,
    host: Ipv4Addr,
    third_party: ThirdParty,
) -> Option<Running> {
    let setting = Setting {
        host,
        third_party,
        tls: false,
    };
    peers::start(peer, setting).unwrap()
}

/// Neither is the user's own address, 127.0.0.1.
const HOST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
