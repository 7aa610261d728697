//! Many at once at the real binary: sessions that wait, and transfers that all are under way.

use std::fs;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::peer;
use crate::support::site::USER;
use crate::support::thirdhostd::{Thirdhostd, alice};
use crate::support::user::User;

#[test]
fn a_thousand_idle_sessions_and_two_hundred_transfers_are_held_without_an_error() {
    raise_descriptors(DESCRIPTORS);
    let (root, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bytes = pattern();
    fs::write(root.path().join("there"), &bytes).unwrap();
    let file = config.path().join("thirdhostd.toml");
    // Without what the log would warn about.
    let text = alice(USER, root.path()).replace("lstn_unpinned = \"any\"\n", "");
    let text = format!("{text}[limits]\nsessions = 1500\nsessions_per_host = 1500\n");
    fs::write(&file, text).unwrap();
    let daemon = Thirdhostd::start(&[Path::new("--config"), &file]);

    let mut idle: Vec<User> = (0..IDLE).map(|_| logged_in(&daemon)).collect();
    let mut sending: Vec<_> = (0..TRANSFERS / 2)
        .map(|_| begun(&daemon, "RETR there"))
        .collect();
    let mut receiving: Vec<_> = (0..TRANSFERS / 2)
        .map(|number| begun(&daemon, &format!("STOR in{number}")))
        .collect();
    // All are under way: a file is longer than what the kernel takes for a peer that does not read.
    for piece in bytes.chunks(bytes.len() / 4) {
        for (_, stream) in &mut receiving {
            stream.write_all(piece).unwrap();
        }
    }
    for (number, (mut user, stream)) in receiving.drain(..).enumerate() {
        stream.shutdown(Shutdown::Write).unwrap();
        user.expect(226);
        let stored = root.path().join(format!("in{number}"));
        assert!(fs::read(&stored).unwrap() == bytes, "{}", stored.display());
        fs::remove_file(stored).unwrap();
    }
    for (mut user, stream) in sending.drain(..) {
        assert!(peer::receive_all(stream) == bytes);
        user.expect(226);
    }
    for user in &mut idle {
        user.ask("NOOP", 200);
    }
    daemon.has_not_logged(&[" WARN ", " ERROR "]);
}

fn logged_in(daemon: &Thirdhostd) -> User {
    let mut user = daemon.greeted();
    user.log_in("alice");
    user
}

/// A transfer that has begun.
fn begun(daemon: &Thirdhostd, command: &str) -> (User, TcpStream) {
    let mut user = logged_in(daemon);
    user.ask("TYPE I", 200);
    let passive = user.pasv();
    let stream = peer::call(USER, passive);
    user.ask(command, 150);
    (user, stream)
}

/// 2 MiB of which no two neighbouring pages are alike.
fn pattern() -> Vec<u8> {
    let numbers = 0..256 * 1024_u64;
    numbers.flat_map(u64::to_le_bytes).collect()
}

/// Lets this process, and those it starts, have at least so many descriptors.
pub(crate) fn raise_descriptors(least: u64) {
    let most = getrlimit(Resource::Nofile).maximum;
    assert!(most.is_none_or(|most| most >= least), "{most:?}");
    let wanted = Rlimit {
        current: most.or(Some(least)),
        maximum: most,
    };
    setrlimit(Resource::Nofile, wanted).unwrap();
}

const IDLE: usize = 1000;
const TRANSFERS: usize = 200;

/// One for each session, one for each transfer, and what else is open.
const DESCRIPTORS: u64 = 2048;
