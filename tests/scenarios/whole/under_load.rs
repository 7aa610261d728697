//! The server is killed at random while users send, append, rename and delete.
//!
//! `THIRDHOST_STARVE_LONG` makes it many kills instead of a few.

use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};

use rand::rngs::StdRng;
use rand::seq::IndexedMutRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use super::attempt::Attempt;
use super::is_long;
use super::oracle::Oracle;
use crate::support::patience::until_true;
use crate::support::thirdhostd::Thirdhostd;

#[test]
fn what_was_acknowledged_is_there_after_a_kill_at_random() {
    let seed: u64 = rand::random();
    let kills = if is_long() { KILLS_LONG } else { KILLS };
    let mut random = StdRng::seed_from_u64(seed);
    let mut oracle = Oracle::start("");
    let mut users: Vec<Sender> = (0..USERS).map(|n| Sender::new(n, seed)).collect();
    let mut acknowledged = 0;
    for kill in 0..kills {
        let enough = random.random_range(1..=MOST_BETWEEN_KILLS);
        acknowledged += kill_after(&mut oracle, &mut users, enough);
        oracle.restart(&[]);
        for user in &mut users {
            user.judge(&oracle, &format!("seed {seed} kill {kill}"));
        }
    }
    println!("seed {seed}: {kills} kills, {acknowledged} changes acknowledged");
    assert!(acknowledged >= kills);
}

/// How much was acknowledged, at least `enough`, when it was killed.
fn kill_after(oracle: &mut Oracle, users: &mut [Sender], enough: usize) -> usize {
    let (address, done) = (oracle.daemon().address, AtomicUsize::new(0));
    thread::scope(|scope| {
        let killed = Killed(oracle.daemon());
        let work = |user| scope.spawn(|| Sender::work(user, address, &done));
        let working: Vec<_> = users.iter_mut().map(work).collect();
        let all_ended = || working.iter().all(ScopedJoinHandle::is_finished);
        for number in 1..=enough {
            until_true("another change", || {
                done.load(Ordering::Relaxed) >= number || all_ended()
            });
        }
        drop(killed);
    });
    done.into_inner()
}

/// Killed when this is dropped, also by a panic: users work until they are left alone.
struct Killed<'a>(&'a mut Thirdhostd);

impl Drop for Killed<'_> {
    fn drop(&mut self) {
        self.0.signal("KILL");
        self.0.ended();
    }
}

/// A user with files of its own.
struct Sender {
    random: StdRng,
    files: Vec<File>,
}

struct File {
    name: String,
    /// As it was acknowledged.
    known: Option<Vec<u8>>,
    /// As it was asked to be, until that is acknowledged.
    asked: Option<Option<Vec<u8>>>,
}

impl Sender {
    fn new(number: usize, seed: u64) -> Self {
        let file = |index| File {
            name: format!("file{number}-{index}"),
            known: None,
            asked: None,
        };
        Self {
            random: StdRng::seed_from_u64(seed ^ number as u64),
            files: (0..FILES).map(file).collect(),
        }
    }

    /// Changes one file after another until the server is gone.
    fn work(&mut self, server: SocketAddr, done: &AtomicUsize) {
        let Some(mut user) = Attempt::log_in(server) else {
            return;
        };
        while self.change(&mut user).is_some() {
            done.fetch_add(1, Ordering::Relaxed);
        }
        assert_eq!(user.refused(), None, "nothing is to be refused");
    }

    fn change(&mut self, user: &mut Attempt) -> Option<()> {
        let bytes = bytes(&mut self.random);
        let choice = self.random.random_range(0..4);
        let file = self.files.choose_mut(&mut self.random)?;
        let name = &file.name;
        match (&file.known, choice) {
            (Some(_), 0) => {
                file.asked = Some(None);
                user.ask(format!("DELE {name}"), 250)?;
            }
            (Some(old), 1) => {
                file.asked = Some(Some([&old[..], &bytes].concat()));
                user.store(&format!("APPE {name}"), &bytes)?;
            }
            _ => {
                file.asked = Some(Some(bytes.clone()));
                user.store(&format!("STOR {name}"), &bytes)?;
            }
        }
        file.known = file.asked.take()?;
        Some(())
    }

    /// Whether each file is as it was acknowledged; the last may be as it was asked for.
    fn judge(&mut self, oracle: &Oracle, what: &str) {
        for file in &mut self.files {
            let found = fs::read(oracle.path(&file.name)).ok();
            let holds = found == file.known || file.asked.as_ref() == Some(&found);
            let [is, was] = [&found, &file.known].map(|bytes| bytes.as_ref().map(Vec::len));
            let name = &file.name;
            assert!(
                holds,
                "{what}: {name} has {is:?} bytes, acknowledged were {was:?}"
            );
            file.known = found;
            file.asked = None;
        }
    }
}

/// Bytes that no other file has.
fn bytes(random: &mut StdRng) -> Vec<u8> {
    let word: u64 = random.random();
    word.to_le_bytes()
        .repeat(random.random_range(0..=WORDS_MAX))
}

const USERS: usize = 4;

/// Of each user.
const FILES: usize = 3;

const KILLS: usize = 6;

const KILLS_LONG: usize = 300;

const MOST_BETWEEN_KILLS: usize = 60;

/// 400 kB: some files are larger than what the server stores at a time, most are not.
const WORDS_MAX: usize = 50_000;
