//! Two scripted servers under TLS: what is said to them before they may meet.

use std::sync::Mutex;

use rustls::version::TLS13;

use super::{net, path, polite};
use crate::fake::{Answer, FakeNet, say};
use crate::fake_tls::{End, FakeTls, Identity};
use crate::{
    Certified, ControlConn, Credentials, Error, ExitCode, Fingerprint, Observer, Operation, Pair,
    Policy, Protected, Relay, Report, Security, Server,
};

const SITE1: &str = "9.9.9.1:21";
const SITE2: &str = "9.9.9.2:21";
const OURS: &str = "LSTN S;R;,SOCK ANY;,SIZE,SSCN,CPSV,SITE PEERCERT";

/// Warnings.
#[derive(Debug, Default)]
struct Warned(FakeNet, Mutex<Vec<String>>);

impl Observer for Warned {
    fn sent(&self, site: &str, line: &str) {
        self.0.sent(site, line);
    }

    fn received(&self, _site: &str, _line: &str) {}

    fn warning(&self, warning: &str) {
        self.1.lock().unwrap().push(warning.to_owned());
    }
}

fn obliging(line: &str, features: &str) -> Answer {
    match line.split(' ').next().unwrap_or_default() {
        "LSTN" => say("255 SOCK 40002"),
        "SOCK" if line.ends_with(",40002") => say("255 SOCK 51003"),
        "SOCK" => say("255 SOCK 40002"),
        "EPSV" => say("229 Entering (|||40002|)"),
        "PASV" | "CPSV" => say("227 Entering (9,9,9,2,156,66)"),
        "SIZE" => say("213 5"),
        "RETR" | "STOR" => Answer::Say("150 soon\r\n226 done\r\n".to_owned()),
        "ABOR" => say("225 nothing to abort"),
        _ => polite(line, features),
    }
}

/// What one transfer between two servers took; `None` for a server in clear text.
struct Ran {
    net: FakeNet,
    shown: Vec<Fingerprint>,
    result: Result<Report, Error>,
    warnings: Vec<String>,
}

async fn run(features: [Option<&'static str>; 2], policy: Policy) -> Ran {
    let net = net();
    let watched = std::sync::Arc::new(Warned(net.clone(), Mutex::default()));
    let environment = net.environment().with_observer(watched.clone());
    let (mut conns, mut shown) = (Vec::new(), Vec::new());
    for (site, features) in [SITE1, SITE2].into_iter().zip(features) {
        let mut server = Server::at(site.parse().unwrap()).secured(Security::ClearText);
        match features {
            None => net.control(site, |line| obliging(line, "SIZE")),
            Some(features) => {
                let identity = Identity::of("one.example");
                let tls = FakeTls::new(&identity, &TLS13);
                tls.control(&net, site, Security::Explicit, move |line| {
                    obliging(line, features)
                });
                server.security = Security::Explicit;
                server.certified = Certified::Pinned(identity.fingerprint());
                shown.push(identity.fingerprint());
            }
        }
        let mut conn = ControlConn::connect(&environment, server).await.unwrap();
        conn.login(&Credentials::anonymous()).await.unwrap();
        conns.push(conn);
    }
    let (destination, source) = (conns.pop().unwrap(), conns.pop().unwrap());
    let mut pair = Pair::new(source, destination, policy);
    let result = pair
        .transfer(Operation::Copy, &path("from"), &path("to"))
        .await;
    let warnings = watched.1.lock().unwrap().clone();
    Ran {
        net,
        shown,
        result,
        warnings,
    }
}

impl Ran {
    /// What was said after the login, TYPE and its kin left out.
    fn said(&self, site: &str) -> Vec<String> {
        let mut said = self.net.sent_to(site);
        let is_login = |line: &String| ["FEAT", "PASS", "PROT"].contains(&&line[..4]);
        let login = said.iter().rposition(is_login).unwrap();
        said.drain(..=login);
        said.retain(|line| !["TYPE", "STRU", "MODE", "SIZE"].contains(&&line[..4]));
        said
    }
}

fn no_relay() -> Policy {
    Policy {
        relay: Relay::Never,
        ..Policy::default()
    }
}

#[tokio::test(start_paused = true)]
async fn each_of_two_servers_is_told_the_certificate_that_the_other_has_shown() {
    let ran = run([Some(OURS), Some(OURS)], no_relay()).await;
    let report = ran.result.as_ref().unwrap();
    assert_eq!(report.protection, Protected::Mutually);
    let named = |shown: &Fingerprint| format!("SITE PEERCERT SHA256 {shown}");
    assert_eq!(
        ran.said(SITE1),
        [
            "SSCN OFF",
            "SOCK 9.9.9.2,40002",
            &named(&ran.shown[1]),
            "RETR from"
        ]
    );
    assert_eq!(
        ran.said(SITE2),
        [
            "SSCN ON",
            "LSTN R",
            "SOCK 9.9.9.1,51003",
            &named(&ran.shown[0]),
            "STOR to"
        ]
    );
    assert!(ran.warnings.is_empty(), "{:?}", ran.warnings);
}

#[tokio::test(start_paused = true)]
async fn servers_that_cannot_check_each_other_do_not_meet_unless_that_is_wanted_aloud() {
    let classic = "SIZE,SSCN";
    for features in [[classic, classic], [OURS, classic], [classic, OURS]] {
        let features = features.map(Some);
        let ran = run(features, no_relay()).await;
        let error = ran.result.as_ref().unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::ThirdPartyRefused);
        assert!(error.to_string().contains("--unverified-peers"), "{error}");
        assert_eq!(
            [ran.said(SITE1), ran.said(SITE2)],
            [const { Vec::<String>::new() }; 2]
        );

        let policy = Policy {
            unverified_peers: true,
            ..no_relay()
        };
        let ran = run(features, policy).await;
        assert_eq!(
            ran.result.as_ref().unwrap().protection,
            Protected::Unchecked
        );
        let warned = ran
            .warnings
            .iter()
            .any(|warning| warning.contains("without checking"));
        assert!(warned, "{:?}", ran.warnings);
        assert!(ran.said(SITE2).contains(&"SSCN ON".to_owned()));
        // The TLS client can demand a certificate; of a classic one nobody can.
        let names = |site| ran.said(site).iter().any(|line| line.contains("PEERCERT"));
        assert_eq!(names(SITE2), features[1] == Some(OURS));
        assert!(!names(SITE1));
    }
}

#[tokio::test(start_paused = true)]
async fn clear_text_never_takes_the_place_of_tls_between_two_servers() {
    for (features, reason) in [
        (
            [Some(OURS), None],
            "the destination is spoken to in clear text",
        ),
        ([None, Some(OURS)], "the source is spoken to in clear text"),
        ([Some("SIZE"), Some("SIZE")], "neither lists SSCN"),
    ] {
        let policy = Policy {
            unverified_peers: true,
            ..no_relay()
        };
        let ran = run(features, policy).await;
        let error = ran.result.as_ref().unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::ThirdPartyRefused);
        assert!(error.to_string().contains(reason), "{error}");
        for site in [SITE1, SITE2] {
            let sent = ran.net.sent_to(site);
            assert!(!sent.contains(&"PROT C".to_owned()), "{sent:?}");
            assert_eq!(ran.said(site), const { Vec::<String>::new() });
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_tls_client_is_tls_server_again_for_our_own_data_connection() {
    let net = net();
    let identity = Identity::of("one.example");
    let tls = FakeTls::new(&identity, &TLS13);
    for site in [SITE1, SITE2] {
        tls.control(&net, site, Security::Explicit, |line| obliging(line, OURS));
    }
    let mut conns = Vec::new();
    for site in [SITE1, SITE2] {
        let mut server = Server::at(site.parse().unwrap()).secured(Security::Explicit);
        server.certified = Certified::Pinned(identity.fingerprint());
        let mut conn = ControlConn::connect(&net.environment(), server)
            .await
            .unwrap();
        conn.login(&Credentials::anonymous()).await.unwrap();
        conns.push(conn);
    }
    let (destination, source) = (conns.pop().unwrap(), conns.pop().unwrap());
    let mut pair = Pair::new(source, destination, no_relay());
    let (from, to) = (path("from"), path("to"));
    pair.transfer(Operation::Copy, &from, &to).await.unwrap();
    tls.sends(&net, "9.9.9.2:40002", b"hello", End::CloseNotify);
    let got = pair.destination().get(&to, &mut Vec::new()).await;
    assert_eq!(got.unwrap(), 5);
    let sent = net.sent_to(SITE2);
    let last: Vec<&str> = sent.iter().rev().take(3).map(String::as_str).collect();
    assert_eq!(last, ["RETR to", "EPSV", "SSCN OFF"]);
}
