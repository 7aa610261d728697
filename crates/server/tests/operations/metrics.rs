//! `/metrics` and `/healthz`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::daemon::{Daemon, Site, User, run, third_host, thirdhostd};

const METRICS: &str = "[metrics]\nlisten = \"127.0.0.1:0\"";

#[test]
fn metrics_count_sessions_logins_transfers_bytes_and_refusals() {
    let site = Site::new(METRICS, "");
    let mut server = site.start(&[]);
    let metrics = address(&mut server);
    let mut alice = server.alice();
    alice.store("file", b"0123456789");
    let mut mallory = User::connect(server.address);
    mallory.command("USER alice", "331");
    mallory.command("PASS wrong", "530");
    let (_third, eprt) = third_host();
    alice.command(&eprt, "504");
    alice.command("EPRT |1|127.0.0.1|21|", "504");
    alice.command("EPSV", "229");
    let text = get(metrics, "/metrics", "200 OK");
    for line in [
        "thirdhost_sessions 2",
        "thirdhost_draining 0",
        "thirdhost_data_ports_reserved 1",
        "thirdhost_sessions_begun_total 2",
        "thirdhost_logins_total{outcome=\"ok\"} 1",
        "thirdhost_logins_total{outcome=\"failed\"} 1",
        "thirdhost_transfers_total{direction=\"receive\",outcome=\"completed\",\
         arranged=\"epsv\",third_party=\"no\"} 1",
        "thirdhost_transferred_bytes_total{direction=\"receive\"} 10",
        "thirdhost_refusals_total{rule=\"third_party\"} 1",
        "thirdhost_refusals_total{rule=\"privileged_port\"} 1",
    ] {
        assert!(
            text.lines().any(|written| written == line),
            "{line}\n{text}"
        );
    }
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[test]
fn health_is_ok_until_the_server_drains() {
    let site = Site::new(METRICS, "");
    let mut server = site.start(&[]);
    let metrics = address(&mut server);
    assert!(get(metrics, "/healthz", "200 OK").ends_with("\r\n\r\nok\n"));
    get(metrics, "/", "404 Not Found");
    let mut alice = server.alice();
    let connection = alice.passive();
    alice.command("STOR slow", "150");
    server.signal("TERM");
    server.logged("draining");
    // Draining begins a moment after the signal is on record.
    while ask(metrics, "/healthz").starts_with("HTTP/1.1 200") {
        std::thread::yield_now();
    }
    let answer = get(metrics, "/healthz", "503 Service Unavailable");
    assert!(answer.ends_with("draining\n"), "{answer}");
    drop(connection);
    alice.expect("226");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn metrics_off_loopback_have_to_be_asked_for_twice() {
    let wide = "[metrics]\nlisten = \"0.0.0.0:0\"";
    let site = Site::new(wide, "");
    let check = || {
        let mut command = thirdhostd();
        command
            .arg("--check")
            .arg("--config")
            .arg(site.configuration());
        run(&mut command, "")
    };
    let refused = check();
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("metrics.listen: no loopback address"),
        "{said}"
    );
    site.configure(&format!("{wide}\nbeyond_loopback = true"));
    let admitted = check();
    assert!(admitted.status.success());
    let said = String::from_utf8(admitted.stderr).unwrap();
    assert!(said.contains("warning: metrics.listen: "), "{said}");
}

fn address(server: &mut Daemon) -> SocketAddr {
    let line = server.say();
    line.strip_prefix("metrics on ").unwrap().parse().unwrap()
}

fn get(address: SocketAddr, path: &str, status: &str) -> String {
    let answer = ask(address, path);
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status}\r\n")),
        "{answer}"
    );
    answer
}

fn ask(address: SocketAddr, path: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    write!(connection, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}
