//! No descriptor is left: it is said, nothing is harmed, and all come back.

use std::net::TcpStream;

use super::oracle::{CHANGES, Fate, NAME, Oracle};
use crate::support::patience::until_true;
use crate::support::peer;
use crate::support::site::USER;
use crate::support::user::User;

#[test]
fn without_descriptors_uploads_and_sessions_are_refused_and_later_served() {
    let limited = ["sh", "-c", "ulimit -n 64 && exec \"$@\"", "sh"];
    let mut oracle = Oracle::start_in("", &limited);
    let address = oracle.daemon().address;
    for change in CHANGES {
        oracle.prepare(change);
        let mut held: Vec<(User, Option<TcpStream>)> = Vec::new();
        let mut refused = Vec::new();
        // Uploads that do not end, until neither a file nor a session can be opened.
        for number in 0..MORE_THAN_FIT {
            let mut user = User::connected(USER, address);
            match user.reply().code {
                220 => user.log_in("alice"),
                421 => {
                    refused.push(421);
                    break;
                }
                code => panic!("{code}"),
            }
            let stream = begun(&mut user, &format!("STOR other{number}"), &mut refused);
            held.push((user, stream));
        }
        assert_eq!(refused.last(), Some(&421), "{refused:?}");
        assert!(held.len() > 3, "{}", held.len());
        let (mut user, _open) = held.pop().unwrap();
        user.ask("NOOP", 200);
        for (user, stream) in held {
            drop(user);
            drop(stream);
        }
        drop(user);
        until_true("a session", || {
            User::connected(USER, address).reply().code == 220
        });
        oracle.judge(&format!("no descriptors: {change}"), change, Fate::Old);
    }
    assert!(!oracle.path(NAME).exists());
}

/// Begins an upload; where it is refused, that is noted.
fn begun(user: &mut User, command: &str, refused: &mut Vec<u16>) -> Option<TcpStream> {
    user.send("EPSV");
    let reply = user.reply();
    if reply.code != 229 {
        assert!([421, 425].contains(&reply.code), "{}", reply.raw);
        refused.push(reply.code);
        return None;
    }
    let port = reply.raw.split('|').nth(3).unwrap().parse().unwrap();
    let stream = peer::call(USER, (peer::ip(USER), port).into());
    user.send(command);
    let reply = user.reply();
    if reply.code != 150 {
        assert!([425, 450, 451, 452].contains(&reply.code), "{}", reply.raw);
        refused.push(reply.code);
        return None;
    }
    Some(stream)
}

const MORE_THAN_FIT: usize = 64;
