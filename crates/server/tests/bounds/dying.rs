//! A user's process that dies in the middle of a file: the system ends its connections in order.
//! Spec M-14, S-51.

use std::sync::Arc;

use thirdhost_server::store::MemoryStore;
use tokio::io::AsyncWriteExt;

use crate::client::{User, read, start};
use crate::clock::{self, Hand};

/// Server and user share one thread, so that both ends are there before the server looks again:
/// the end of the data connection alone would be the end of the file.
#[tokio::test]
async fn the_end_of_both_connections_at_once_is_not_the_end_of_the_file() {
    let files = Arc::new(MemoryStore::new());
    let (server, address) = start(CONFIG, Arc::clone(&files));
    let mut user = User::log_in(address).await;
    assert_eq!(user.send("STOR f", b"old").await, ["150", "226"]);
    drop(user);
    for command in ["STOR f", "APPE f"] {
        for control_ends_first in [true, false] {
            let mut user = User::log_in(address).await;
            let mut data = user.data().await;
            user.check(command, "150").await;
            data.write_all(b"half a fi").await.unwrap();
            while !user.ask("STAT").await.contains("Status: 9 ") {}
            if control_ends_first {
                drop(user);
                drop(data);
            } else {
                drop(data);
                drop(user);
            }
            while server.sessions() > 0 {
                tokio::task::yield_now().await;
            }
            let left = read(&files, "/f").await.unwrap();
            assert_eq!(left, b"old", "{command}, {control_ends_first}");
        }
    }
}

/// Time stands still: whoever waits for a last word waits for ever.
#[tokio::test]
async fn a_file_as_long_as_was_announced_waits_for_no_last_word() {
    let (files, clock) = (Arc::new(MemoryStore::new()), Hand::new());
    let (_server, address) = clock::start(CONFIG, Arc::clone(&files) as _, &clock);
    let mut user = User::log_in(address).await;
    for command in ["STOR f", "APPE f"] {
        user.check("ALLO 4", "202").await;
        assert_eq!(user.send(command, b"four").await, ["150", "226"]);
    }
    assert_eq!(read(&files, "/f").await.unwrap(), b"fourfour");
    // Announced for one file, not for the next; shorter; counted in other octets; the rest alone.
    for (before, announced) in [
        ("NOOP", None),
        ("NOOP", Some(5)),
        ("TYPE A", Some(4)),
        ("REST 4", Some(4)),
    ] {
        if let Some(octets) = announced {
            user.check(&format!("ALLO {octets}"), "202").await;
        }
        user.ask(before).await;
        let waiting = async {
            clock.until_awaited(0.005).await;
            clock.advance(1.0);
        };
        let (replies, ()) = tokio::join!(user.send("STOR f", b"four"), waiting);
        assert_eq!(replies, ["150", "226"], "{before}, {announced:?}");
        user.check("TYPE I", "200").await;
    }
}

const CONFIG: &str = "[anonymous]\npermissions = [\"read\", \"write\", \"append\"]\n";
