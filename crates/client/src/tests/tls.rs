//! TLS: what is said in clear text before it, whom it believes, and how it ends.

use std::path::Path;
use std::sync::Arc;

use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{net, path, polite};
use crate::fake::{Accept, Answer, Data, FakeNet, say};
use crate::fake_tls::{End, FakeTls, Identity};
use crate::{
    Authorities, Certified, ControlConn, Credentials, Distrust, Environment, Error, ExitCode,
    Security, Server, Trust,
};

const SITE: &str = "9.9.9.9:21";
const DATA: &str = "9.9.9.9:40000";
const TLS: &str = "AUTH TLS,PBSZ,PROT";

/// Connects and logs in.
async fn open(environment: &Environment, server: Server) -> Result<ControlConn, Error> {
    let mut conn = ControlConn::connect(environment, server).await?;
    conn.login(&Credentials::new("u", "secret").unwrap())
        .await?;
    Ok(conn)
}

fn server(security: Security) -> Server {
    Server::at(SITE.parse().unwrap()).secured(security)
}

fn certified(certified: Certified) -> Server {
    let mut server = server(Security::Explicit);
    server.host = Some("one.example".to_owned());
    server.certified = certified;
    server
}

fn trusting(net: &FakeNet, directory: &Path, accept_new: bool) -> Environment {
    let known = directory.join("known_servers");
    let trust = Trust::roots_alone().with_known_servers(known, accept_new);
    net.environment().with_trust(trust)
}

/// A server that never makes a handshake: what is said to it in clear text before it gives up?
async fn said_in_clear(
    security: Security,
    is_known: bool,
    script: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> (Vec<String>, Result<ControlConn, Error>) {
    let (net, directory) = (net(), tempfile::tempdir().unwrap());
    if is_known {
        let line = format!("{SITE} SHA256 {}\n", "00".repeat(32));
        std::fs::write(directory.path().join("known_servers"), line).unwrap();
    }
    net.control(SITE, script);
    let opened = open(&trusting(&net, directory.path(), true), server(security)).await;
    (net.sent_to(SITE), opened)
}

//= security#S-31
//= type=test
#[tokio::test(start_paused = true)]
async fn no_password_goes_in_clear_text_to_a_server_that_offers_tls() {
    let refuses = |line: &str| match line {
        "AUTH TLS" => say("431 not now"),
        _ => polite(line, TLS),
    };
    let (sent, opened) = said_in_clear(Security::Offered, false, refuses).await;
    assert_eq!(sent, ["FEAT", "AUTH TLS"]);
    assert!(opened.unwrap_err().to_string().contains("--clear-text"));
    let (sent, opened) = said_in_clear(Security::Explicit, false, refuses).await;
    assert_eq!(sent, ["AUTH TLS"]);
    assert!(opened.is_err());
    let (sent, opened) = said_in_clear(Security::ClearText, false, refuses).await;
    assert_eq!(sent[..3], ["FEAT", "USER u", "PASS ****"]);
    assert!(!opened.unwrap().is_protected());
}

#[tokio::test(start_paused = true)]
async fn a_server_without_tls_is_spoken_to_in_clear_text_unless_it_had_tls_before() {
    let none = |line: &str| polite(line, "SIZE");
    let (sent, opened) = said_in_clear(Security::Offered, false, none).await;
    assert_eq!(sent[..2], ["FEAT", "USER u"]);
    assert!(!opened.unwrap().is_protected());
    let (sent, opened) = said_in_clear(Security::Offered, true, none).await;
    assert_eq!(sent, ["FEAT"]);
    let error = opened.unwrap_err();
    assert!(matches!(error, Error::NoTls { .. }), "{error}");
    assert_eq!(error.exit_code(), ExitCode::Refused);

    // FEAT is only told after the login: AUTH itself is tried.
    let secretive = |line: &str| match line {
        "FEAT" => say("530 log in first"),
        "AUTH TLS" => say("502 no"),
        _ => polite(line, ""),
    };
    let (sent, opened) = said_in_clear(Security::Offered, false, secretive).await;
    assert_eq!(sent[..3], ["FEAT", "AUTH TLS", "USER u"]);
    assert!(opened.is_ok());
    let (sent, opened) = said_in_clear(Security::Offered, true, secretive).await;
    assert_eq!(sent, ["FEAT", "AUTH TLS"]);
    assert!(matches!(opened, Err(Error::Refused { .. })));
}

//= security#S-31
//= type=test
#[tokio::test(start_paused = true)]
async fn what_comes_in_clear_text_behind_the_answer_to_auth_is_not_taken_for_a_reply() {
    for injected in ["220 ready", "331 password", "421 bye", "x"] {
        let script = move |line: &str| match line {
            "AUTH TLS" => Answer::Say(format!("234 go on\r\n{injected}\r\n")),
            _ => polite(line, TLS),
        };
        let (sent, opened) = said_in_clear(Security::Explicit, false, script).await;
        assert_eq!(sent, ["AUTH TLS"], "{injected}");
        assert!(
            matches!(opened, Err(Error::Misbehaved { .. })),
            "{injected}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_silent_in_the_handshake_is_left() {
    for security in [Security::Explicit, Security::Implicit] {
        let net = net();
        let accept: Accept = Arc::new(move |mut stream| {
            tokio::spawn(async move {
                if security == Security::Explicit {
                    stream.write_all(b"220 ready\r\n").await.unwrap();
                    stream.read_exact(&mut [0; 10]).await.unwrap();
                    stream.write_all(b"234 go on\r\n").await.unwrap();
                }
                tokio::io::copy(&mut stream, &mut tokio::io::sink())
                    .await
                    .unwrap();
            });
        });
        net.data(SITE, Data::Accept(accept));
        let began = tokio::time::Instant::now();
        match open(&net.environment(), server(security)).await {
            Err(Error::Silent { after, .. }) => assert_eq!(began.elapsed(), after),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn login_and_files_go_under_tls_whichever_version_and_however_it_begins() {
    for version in [&TLS12, &TLS13] {
        for security in [Security::Explicit, Security::Implicit, Security::Offered] {
            let (net, directory) = (net(), tempfile::tempdir().unwrap());
            let identity = Identity::of("one.example");
            let tls = FakeTls::new(&identity, version);
            tls.control(&net, SITE, security, files(&tls));
            let environment = trusting(&net, directory.path(), true);
            let mut conn = open(&environment, server(security)).await.unwrap();
            assert_eq!(conn.fingerprint(), Some(identity.fingerprint()));
            let sent = net.sent_to(SITE);
            let login = sent.iter().position(|line| line == "USER u").unwrap();
            assert_eq!(sent[login + 2..login + 4], ["PBSZ 0", "PROT P"]);

            tls.sends(&net, DATA, b"hello", End::CloseNotify);
            for _ in 0..4 {
                let mut file = Vec::new();
                assert_eq!(conn.get(&path("a"), &mut file).await.unwrap(), 5);
                assert_eq!(file, b"hello");
            }
            let kept = tls.takes(&net, DATA);
            for _ in 0..4 {
                let octets = vec![7; 200_000];
                conn.put(&path("a"), &mut octets.as_slice()).await.unwrap();
                let found = kept.lock().unwrap().pop();
                assert!(found == Some((octets, true)), "{security:?} {version:?}");
            }
            // All data connections resumed the session of the control connection.
            assert_eq!(tls.handshakes(), (9, 8), "{security:?} {version:?}");
        }
    }
}

/// Says that a file is stored when all of it has come, and not before.
fn files(tls: &FakeTls) -> impl Fn(&str) -> Answer + Send + Sync + 'static {
    let tls = tls.clone();
    move |line| match line.split(' ').next() {
        Some("EPSV") => say("229 Entering (|||40000|)"),
        Some("RETR") => Answer::Say("150 here\r\n226 done\r\n".to_owned()),
        Some("STOR") => Answer::Later("150 here\r\n", tls.stored()),
        _ => polite(line, TLS),
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_cut_off_under_tls_is_no_file_though_the_server_says_done() {
    let (net, directory) = (net(), tempfile::tempdir().unwrap());
    let identity = Identity::of("one.example");
    let tls = FakeTls::new(&identity, &TLS13);
    tls.control(&net, SITE, Security::Explicit, files(&tls));
    let environment = trusting(&net, directory.path(), true);
    let mut conn = open(&environment, server(Security::Explicit))
        .await
        .unwrap();
    tls.sends(&net, DATA, b"hel", End::CutOff);
    let error = conn.get(&path("a"), &mut Vec::new()).await.unwrap_err();
    assert!(error.to_string().contains("close_notify"), "{error}");
    assert_eq!(error.exit_code(), ExitCode::Temporary);
}

#[tokio::test(start_paused = true)]
async fn a_data_connection_has_to_show_the_certificate_of_the_control_connection() {
    let (net, directory) = (net(), tempfile::tempdir().unwrap());
    let [identity, other] = [Identity::of("one.example"), Identity::of("one.example")];
    let tls = FakeTls::new(&identity, &TLS13);
    tls.control(&net, SITE, Security::Explicit, files(&tls));
    let environment = trusting(&net, directory.path(), true);
    let mut conn = open(&environment, server(Security::Explicit))
        .await
        .unwrap();
    FakeTls::new(&other, &TLS13).sends(&net, DATA, b"hello", End::CloseNotify);
    let mut file = Vec::new();
    let why = distrust(conn.get(&path("a"), &mut file).await);
    assert!(matches!(why, Distrust::OtherOnData { .. }), "{why}");
    assert!(file.is_empty());
    // The dialogue is in step all the same.
    let reply = conn.command(thirdhost_wire::Command::Noop).await.unwrap();
    assert_eq!(reply.code().number(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_believed_on_first_use_if_that_is_wanted_and_then_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let [one, two] = [Identity::of("one.example"), Identity::of("one.example")];
    let tried = async |identity: &Identity, accept_new| {
        let net = net();
        let tls = FakeTls::new(identity, &TLS13);
        tls.control(&net, SITE, Security::Explicit, files(&tls));
        let environment = trusting(&net, directory.path(), accept_new);
        let opened = open(&environment, certified(Certified::Known)).await;
        assert_eq!(
            opened.is_ok(),
            net.sent_to(SITE).contains(&"USER u".to_owned())
        );
        opened
    };
    let why = distrust(tried(&one, false).await);
    assert!(why.to_string().contains(&one.fingerprint().to_string()));
    assert!(matches!(why, Distrust::Unknown { .. }), "{why}");
    tried(&one, true).await.unwrap();
    let known = std::fs::read_to_string(directory.path().join("known_servers")).unwrap();
    assert_eq!(
        known,
        format!("one.example:21 SHA256 {}\n", one.fingerprint())
    );
    tried(&one, false).await.unwrap();
    for accept_new in [false, true] {
        let why = distrust(tried(&two, accept_new).await).to_string();
        let file = directory.path().join("known_servers").display().to_string();
        let prints = [one.fingerprint().to_string(), two.fingerprint().to_string()];
        for part in prints
            .iter()
            .chain(["one.example:21".to_owned(), file].iter())
        {
            assert!(why.contains(part.as_str()), "{why}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pin_or_authorities_named_for_a_server_take_the_place_of_all_others() {
    let directory = tempfile::tempdir().unwrap();
    let [one, two] = [Identity::of("one.example"), Identity::of("one.example")];
    let by = |identity: &Identity| {
        let file = directory.path().join("ca.pem");
        std::fs::write(&file, &identity.pem).unwrap();
        Certified::By(Authorities::load(&file).unwrap())
    };
    let elsewhere = Identity::of("two.example");
    for (identity, certified_as, expected) in [
        (&one, Certified::Pinned(one.fingerprint()), true),
        (&one, Certified::Pinned(two.fingerprint()), false),
        (&one, by(&one), true),
        (&one, by(&two), false),
        // Vouched for, but under another name.
        (&elsewhere, by(&elsewhere), false),
    ] {
        let net = net();
        let tls = FakeTls::new(identity, &TLS13);
        tls.control(&net, SITE, Security::Explicit, files(&tls));
        // Neither --accept-new nor known_servers counts.
        let environment = trusting(&net, directory.path(), true);
        let opened = open(&environment, certified(certified_as.clone())).await;
        assert_eq!(opened.is_ok(), expected, "{certified_as:?}");
        if let Err(error) = opened {
            assert_eq!(error.exit_code(), ExitCode::Refused);
            assert_eq!(net.sent_to(SITE), ["AUTH TLS"]);
        }
    }
    assert!(!directory.path().join("known_servers").exists());
}

fn distrust<T>(found: Result<T, Error>) -> Distrust {
    match found {
        Err(Error::Distrusted { why, .. }) => *why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it is believed"),
    }
}
