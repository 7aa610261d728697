//! A server stands still in the middle of a copy, and goes on.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tempfile::TempDir;

use super::is_long;
use crate::support::patience::until_true;
use crate::support::thirdhostd::{self, Thirdhostd};

/// SIGSTOP, as a machine that is suspended: nothing is closed, nothing is answered.
#[test]
fn a_server_that_stands_still_for_a_while_takes_nothing_from_a_copy() {
    let seed: u64 = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    let homes = [(); 5].map(|()| tempfile::tempdir().unwrap());
    let [from, to, from_config, to_config, home] = &homes;
    let tree = from.path().join("tree");
    fs::create_dir(&tree).unwrap();
    for number in 0..FILES {
        let bytes = vec![b'x'; random.random_range(0..LENGTH_MAX)];
        fs::write(tree.join(format!("file{number}")), bytes).unwrap();
    }
    let source = Thirdhostd::for_alice("127.0.0.2", from.path(), from_config.path());
    let destination = Thirdhostd::for_alice("127.0.0.3", to.path(), to_config.path());
    let rounds = if is_long() { ROUNDS_LONG } else { ROUNDS };
    for round in 0..rounds {
        let stopped = [&source, &destination][round % 2];
        let places = [&source, &destination].map(|server| server.address);
        let target = format!("round{round}");
        let urls = [
            format!("ftp://alice@{}/tree", places[0]),
            format!("ftp://alice@{}/{target}", places[1]),
        ];
        let lines = random.random_range(1..FILES);
        let made = to.path().join(target);
        copy(home, &urls, lines, stopped, &made);
        let what = format!("seed {seed} round {round}: stopped after {lines} lines");
        assert_eq!(sizes(&made), sizes(&tree), "{what}");
    }
}

/// Copies; the server stands still when so many lines of events were read, and goes on when
/// `made` has not changed for a while.
fn copy(home: &TempDir, urls: &[String], lines: usize, stopped: &Thirdhostd, made: &Path) {
    let mut copy = thirdhostd::client();
    copy.args(["cp", "-r", "-j", "2", "--json"])
        .args(urls)
        .env("HOME", home.path())
        .env_remove("XDG_CACHE_HOME")
        .env_remove("XDG_CONFIG_HOME")
        .envs(["2", "3"].map(|host| (format!("THIRDHOST_PASSWORD_127_0_0_{host}"), "secret")))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    let mut child = copy.spawn().unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap()).lines();
    let seen: Vec<String> = events.by_ref().take(lines).map_while(Result::ok).collect();
    assert_eq!(seen.len(), lines, "{seen:#?}");
    stopped.signal("STOP");
    let (mut before, mut times) = (None, 0);
    until_true("standstill", || {
        let now = Some(sizes(made));
        times = if now == before { times + 1 } else { 0 };
        before = now;
        times == STEADY_TIMES
    });
    stopped.signal("CONT");
    let rest: Vec<String> = events.map_while(Result::ok).collect();
    assert!(child.wait().unwrap().success(), "{rest:#?}");
}

/// Also of what has not its name yet, and may get it meanwhile.
fn sizes(directory: &Path) -> Vec<(String, u64)> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut sizes: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            Some((name, entry.metadata().ok()?.len()))
        })
        .collect();
    sizes.sort();
    sizes
}

const FILES: usize = 40;

const LENGTH_MAX: usize = 100_000;

/// How often in a row, milliseconds apart, nothing has changed.
const STEADY_TIMES: usize = 10;

const ROUNDS: usize = 4;

const ROUNDS_LONG: usize = 200;
