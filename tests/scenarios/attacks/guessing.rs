//! Users found out by the clock. Spec S-26. That a refusal costs the same work whoever is named is
//! shown in the server's `accounts/tests.rs`; guesses over many connections in its
//! `tests/bounds/guessing.rs`.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use thirdhost_proto::server::Permissions;
use thirdhost_server::accounts::{Accounts, PasswordHash, Roll};
use thirdhost_sockets::World;
use thirdhost_wire::Password;

use super::{is_long, rounds};
use crate::support::site::entry;

/// Welch's test on the times of many checks: what an unknown name takes, and a wrong password. By
/// the clock, and so only where nothing else runs.
//= security#S-26
//= type=test
#[test]
fn the_clock_does_not_tell_an_unknown_user_from_a_wrong_password() {
    let costly = PasswordHash::of(&password("secret")).unwrap();
    let mut alice = entry("alice", Permissions::all(), None);
    alice.password = Some(costly);
    let roll = Roll {
        users: vec![alice],
        anonymous: None,
    };
    let world = World::real();
    let accounts = Accounts::new(roll, &world);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let attempt = |name: &str, number: usize| {
        // Each from a host of its own: nobody is held off.
        let peer = IpAddr::from(u32::try_from(0x0a00_0000 + number).unwrap().to_be_bytes());
        let began = Instant::now();
        let guess = password("guess");
        let checked = accounts.authenticate(name, &guess, None, peer);
        assert!(runtime.block_on(checked).is_err());
        began.elapsed()
    };
    let (mut unknown, mut wrong) = (Vec::new(), Vec::new());
    for round in 0..rounds(2, 600) {
        // In turns, so that what else slows the machine slows both.
        unknown.push(attempt("mallory", 2 * round));
        wrong.push(attempt("alice", 2 * round + 1));
    }
    let (t, difference) = welch(&unknown, &wrong);
    eprintln!(
        "{} checks of each: t = {t:.2}, medians {:?} and {:?}, means differ by {difference:.1} µs",
        unknown.len(),
        median(&mut unknown),
        median(&mut wrong),
    );
    // Beyond 4.5 the times would be taken for different (as in dudect and TVLA).
    assert!(!is_long() || t.abs() < 4.5, "t = {t}");
}

/// Student's t for samples of unequal variance, without the slowest twentieth of each, which
/// others have made slow; and the difference of the means in microseconds.
fn welch(one: &[Duration], other: &[Duration]) -> (f64, f64) {
    let [one, other] = [one, other].map(|times| {
        let mut times: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e6).collect();
        times.sort_by(f64::total_cmp);
        times.truncate((times.len() * 19).div_ceil(20).max(2));
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let squares = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>();
        (mean, squares / (count - 1.0) / count)
    });
    let difference = one.0 - other.0;
    (difference / (one.1 + other.1).sqrt(), difference)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    *times.get(times.len() / 2).unwrap()
}

fn password(text: &str) -> Password {
    Password::try_from(text).unwrap()
}
