//! Whoever guesses over many connections is one guesser, and in nobody else's way. Spec S-27.

use std::sync::Arc;

use thirdhost_server::limits::FAILURES_UNTIL_HELD_OFF;
use thirdhost_server::store::MemoryStore;

use crate::client::User;
use crate::clock::{Hand, PASSWORD, start};

//= security#S-27
//= type=test
#[tokio::test]
async fn another_connection_is_no_new_start_for_a_guesser() {
    let clock = Hand::new();
    let users = format!("[[user]]\nname = \"alice\"\nhome = \"\"\n{PASSWORD}\n");
    let (_server, address) = start(&users, Arc::new(MemoryStore::new()), &clock);
    let mut delay = 1.0;
    for _ in 0..FAILURES_UNTIL_HELD_OFF {
        let (mut guesser, _) = User::connect_from(GUESSER, address).await;
        guesser.check("USER alice", "331").await;
        guesser.say("PASS guess").await;
        // Each waits twice as long as the one before, though it is another connection.
        clock.until_awaited(delay).await;
        delay *= 2.0;
    }
    // Who does not wait learns nothing by the right password; the user elsewhere is let in.
    let (mut guesser, _) = User::connect_from(GUESSER, address).await;
    guesser.check("USER alice", "331").await;
    guesser.say("PASS secret").await;
    let (mut alice, _) = User::connect_from(USER, address).await;
    alice.check("USER alice", "331").await;
    alice.check("PASS secret", "230").await;
    assert!(guesser.has_heard_nothing().await);
    clock.advance(delay);
    let said = guesser.reply().await;
    assert!(said.starts_with("530"), "{said}");
    guesser.check("USER alice", "331").await;
    guesser.check("PASS secret", "230").await;
}

const GUESSER: &str = "127.0.0.9:0";
const USER: &str = "127.0.0.8:0";
