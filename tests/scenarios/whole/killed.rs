//! The server is killed in the middle, without a chance to tidy up.

use std::io::Write;
use std::net::TcpStream;

use super::oracle::{CHANGES, Fate, NAME, OLD, Oracle, SENT};
use crate::support::user::User;

#[test]
fn a_server_that_is_killed_has_the_old_file_when_it_is_started_again() {
    let mut oracle = Oracle::start("");
    for (point, reach, fate) in POINTS {
        for change in CHANGES {
            let what = format!("{point}: {change}");
            oracle.prepare(change);
            let (user, stream) = oracle.begun(change, &[]);
            let held = reach(user, stream);
            oracle.daemon().signal("KILL");
            oracle.daemon().ended();
            drop(held);
            oracle.restart(&[]);
            oracle.judge(&what, change, fate);
            oracle.sweep();
        }
    }
}

#[test]
fn a_server_that_is_killed_while_it_renames_has_one_of_the_two() {
    let mut oracle = Oracle::start("durability = \"power\"");
    for (from, to) in [("a", "b"), ("b", NAME)] {
        std::fs::write(oracle.path(from), SENT).unwrap();
        std::fs::write(oracle.path(to), OLD).unwrap();
        let mut user = oracle.user();
        user.ask(format!("RNFR {from}"), 350);
        user.send(format!("RNTO {to}"));
        oracle.daemon().signal("KILL");
        oracle.daemon().ended();
        oracle.restart(&[]);
        let there = |name: &str| std::fs::read(oracle.path(name)).ok();
        let (left, came) = (there(from), there(to));
        let is_done = left.is_none() && came.as_deref() == Some(SENT);
        let is_not = left.as_deref() == Some(SENT) && came.as_deref() == Some(OLD);
        assert!(is_done || is_not, "{from} {to}");
        for name in [from, to] {
            std::fs::remove_file(oracle.path(name)).ok();
        }
    }
}

/// What keeps the connections open until the server is dead.
type Held = (User, Option<TcpStream>);

type Reach = fn(User, TcpStream) -> Held;

const POINTS: [(&str, Reach, Fate); 4] = [
    ("begun", |user, stream| (user, Some(stream)), Fate::Old),
    (
        "in the middle",
        |user, mut stream| {
            stream.write_all(SENT).unwrap();
            let mut user = user;
            let all = format!("Status: {} bytes", SENT.len());
            crate::support::patience::until_true("all bytes received", || {
                user.ask("STAT", 213).raw.contains(&all)
            });
            (user, Some(stream))
        },
        Fate::Old,
    ),
    (
        "at the end",
        |user, mut stream| {
            stream.write_all(SENT).unwrap();
            drop(stream);
            (user, None)
        },
        Fate::Either,
    ),
    (
        "after 226",
        |mut user, mut stream| {
            stream.write_all(SENT).unwrap();
            drop(stream);
            user.expect(226);
            (user, None)
        },
        Fate::New,
    ),
];
