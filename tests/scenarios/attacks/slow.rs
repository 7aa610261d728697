//! Thousands who say nothing, half a line, or half a handshake, do not keep a user out.
//! Spec S-51 to S-53.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use std::{fmt, fs, iter};

use super::{is_long, rounds};
use crate::crowd::raise_descriptors;
use crate::support::patience::within;
use crate::support::peer;
use crate::support::secret::Server;
use crate::support::site::{SITE1, USER};
use crate::support::user::User;

//= security#S-52
//= type=test
//= security#S-53
//= type=test
#[test]
fn thousands_who_say_nothing_keep_nobody_out() {
    let silent = rounds(400, 5_000);
    raise_descriptors(3 * 5_000);
    let server = Server::start(SITE1, "");
    let bytes = fs::write(server.root.path().join("there"), "bytes");
    bytes.unwrap();
    let alone = login_times(&server);
    let began = Instant::now();
    let mut crowd: Vec<TcpStream> = (0..silent).map(|number| come(&server, number)).collect();
    let crowded = login_times(&server);
    eprintln!("{silent} came within {:?}", began.elapsed());
    eprintln!("a login and a file alone: {alone}");
    eprintln!("a login and a file among {silent}: {crowded}");
    if is_long() {
        assert!(crowded.most < Duration::from_millis(250), "{crowded}");
        // They are told goodbye within the minute that a login may take.
        within(
            Duration::from_secs(90),
            "the end of the silent ones",
            || {
                crowd.retain_mut(|stream| !has_ended(stream));
                crowd.is_empty().then_some(())
            },
        );
        eprintln!("all {silent} were turned out after {:?}", began.elapsed());
        let afterwards = login_times(&server);
        eprintln!("a login and a file afterwards: {afterwards}");
    }
}

/// A silent one from a host of its own for each fifty, so that no limit of a host is met.
fn come(server: &Server, number: usize) -> TcpStream {
    let (host, kind) = (number / 50, number % 5);
    let host = format!("127.77.{}.{}", host / 250, host % 250 + 1);
    let implicit = SocketAddr::new(server.daemon.address.ip(), server.implicit);
    let to = if kind < 2 {
        implicit
    } else {
        server.daemon.address
    };
    let mut stream = peer::call(&host, to);
    let said: &[u8] = match kind {
        // Nothing, and the first octets of a TLS record of 16 kB.
        0 => b"",
        1 => b"\x16\x03\x01\x40\x00\x01",
        2 => b"",
        3 => b"USER ali",
        _ => b"USER alice\r\nPASS sec",
    };
    stream.write_all(said).unwrap();
    stream.set_nonblocking(true).unwrap();
    stream
}

fn has_ended(stream: &mut TcpStream) -> bool {
    let mut room = [0; 512];
    loop {
        match stream.read(&mut room) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}

/// What half of them take at most, what all but a twentieth, and the slowest.
struct Times {
    median: Duration,
    most: Duration,
    slowest: Duration,
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            median,
            most,
            slowest,
        } = self;
        write!(
            f,
            "median {median:?}, 95 of 100 within {most:?}, slowest {slowest:?}"
        )
    }
}

/// From the call to the end of a file, for one after the other.
fn login_times(server: &Server) -> Times {
    let one = || {
        let began = Instant::now();
        let mut user = User::greeted(USER, server.daemon.address);
        user.log_in("alice");
        let at = user.pasv();
        let data = peer::call(USER, at);
        user.ask("RETR there", 150);
        assert_eq!(peer::receive_all(data), b"bytes");
        user.expect(226);
        began.elapsed()
    };
    let mut times: Vec<Duration> = iter::repeat_with(one).take(rounds(3, 100)).collect();
    times.sort();
    Times {
        median: *times.get(times.len() / 2).unwrap(),
        most: *times.get(times.len() * 19 / 20).unwrap(),
        slowest: *times.last().unwrap(),
    }
}
