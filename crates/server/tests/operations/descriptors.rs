//! Open files: as many as the system allows, and 421 when there are no more. Spec S-52.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Instant;

use crate::daemon::{Daemon, PATIENCE, Site};

/// A server whose shell has set this limit first.
fn limited(limit: &str, configuration: &str) -> (Site, Daemon) {
    let site = Site::new(configuration, "");
    let mut shell = Command::new("sh");
    shell
        .env_remove("RUST_LOG")
        .args(["-c", &format!("ulimit {limit} && exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_thirdhostd"))
        .arg("--config")
        .arg(site.configuration());
    (site, Daemon::start(shell))
}

/// A connection, and the first line that comes over it.
fn greeted(address: SocketAddr) -> (TcpStream, String) {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).unwrap();
    (stream, line)
}

#[test]
fn the_limit_is_raised_as_far_as_the_system_lets() {
    let (_site, server) = limited("-Sn 32", "[limits]\nsessions = 60\n");
    let sessions: Vec<_> = (0..60).map(|_| greeted(server.address)).collect();
    for (_, line) in &sessions {
        assert!(line.starts_with("220"), "{line}");
    }
}

//= security#S-52
//= type=test
#[test]
fn without_a_descriptor_a_caller_is_told_421_and_later_served() {
    let (_site, server) = limited("-n 56", "[limits]\nsessions = 60\n");
    let warning = server.logged("limits.sessions: ");
    assert!(warning.contains("limit=56 needed=212"), "{warning}");
    let mut sessions = Vec::new();
    let refused = (0..60).map(|_| greeted(server.address)).find(|greeted| {
        sessions.extend(greeted.0.try_clone());
        !greeted.1.starts_with("220")
    });
    let (_, line) = refused.unwrap();
    assert!(line.starts_with("421"), "{line:?}");
    assert!(sessions.len() > 10, "{}", sessions.len());
    // The next is told as well: what was lent to the first is not lost.
    let (_, line) = greeted(server.address);
    assert!(line.starts_with("421"), "{line:?}");
    drop(sessions);
    let since = Instant::now();
    while !greeted(server.address).1.starts_with("220") {
        assert!(since.elapsed() < PATIENCE, "served again");
    }
}
