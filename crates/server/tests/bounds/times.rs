//! How long a session may do nothing, at each of its steps. Spec S-53: the numbers are here in
//! figures, and the clock is set by hand.

use std::sync::Arc;
use std::time::Duration;

use thirdhost_server::store::MemoryStore;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::client::{User, read};
use crate::clock::{Hand, start};

const CONFIG: &str = "[anonymous]\npermissions = [\"read\", \"write\"]";

/// Until then nothing happens to the session; then it is told `expected`.
async fn ends(user: &mut User, clock: &Hand, bystander: &mut User, after: f64, expected: &str) {
    bystander.check("NOOP", "200").await;
    clock.advance(after - 1.0);
    bystander.check("NOOP", "200").await;
    assert!(user.has_heard_nothing().await, "too early, before {after}");
    clock.advance(1.0);
    let said = timeout(PATIENCE, user.reply()).await.expect("an end");
    assert!(said.starts_with(expected), "after {after}: {said}");
}

//= security#S-53
//= type=test
#[tokio::test]
async fn a_login_has_sixty_seconds_and_silence_three_hundred() {
    let clock = Hand::new();
    let (_server, address) = start(CONFIG, Arc::new(MemoryStore::new()), &clock);
    let mut bystander = User::log_in(address).await;
    let (mut stranger, _) = User::connect(address).await;
    // Whatever is said meanwhile, it is no login.
    clock.advance(20.0);
    stranger.check("FEAT", "211").await;
    ends(&mut stranger, &clock, &mut bystander, 40.0, "421 No login").await;
    assert_eq!(stranger.reply().await, "", "closed");

    let mut silent = User::log_in(address).await;
    ends(&mut silent, &clock, &mut bystander, 300.0, "421 No command").await;
    assert_eq!(silent.reply().await, "", "closed");
    bystander.check("NOOP", "200").await;
}

//= security#S-53
//= type=test
#[tokio::test]
async fn a_data_connection_may_take_forty_five_seconds_to_come() {
    let clock = Hand::new();
    let (server, address) = start(CONFIG, Arc::new(MemoryStore::new()), &clock);
    let (mut user, mut bystander) = (User::log_in(address).await, User::log_in(address).await);
    user.check("EPSV", "229").await;
    user.check("STOR f", "150").await;
    ends(&mut user, &clock, &mut bystander, 45.0, "425").await;
    user.check("NOOP", "200").await;
    assert_eq!(server.ports_reserved(), 0);
}

//= security#S-53
//= type=test
#[tokio::test]
async fn a_transfer_may_stand_still_for_three_hundred_seconds() {
    let clock = Hand::new();
    let files = Arc::new(MemoryStore::new());
    let (server, address) = start(CONFIG, files.clone(), &clock);
    let (mut user, mut bystander) = (User::log_in(address).await, User::log_in(address).await);
    let mut data = user.data().await;
    user.check("STOR f", "150").await;
    for moved in [4, 8] {
        data.write_all(b"some").await.unwrap();
        while !user
            .ask("STAT")
            .await
            .contains(&format!("Status: {moved} "))
        {}
        if moved == 4 {
            // Octets that move put the end off.
            clock.advance(299.0);
            bystander.check("NOOP", "200").await;
        }
    }
    ends(&mut user, &clock, &mut bystander, 300.0, "426").await;
    user.check("NOOP", "200").await;
    assert_eq!(server.ports_reserved(), 0);
    assert_eq!(read(&files, "/f").await, None);
}

/// Spec A-23: what nobody uses is not kept.
#[tokio::test]
async fn a_reserved_socket_may_wait_three_hundred_seconds_for_its_transfer() {
    let clock = Hand::new();
    let (server, address) = start(CONFIG, Arc::new(MemoryStore::new()), &clock);
    let mut user = User::log_in(address).await;
    user.check("LSTN R", "255").await;
    for seconds in [150.0, 149.0] {
        clock.advance(seconds);
        user.check("NOOP", "200").await;
        assert_eq!(server.ports_reserved(), 1);
    }
    clock.advance(1.0);
    while server.ports_reserved() > 0 {
        tokio::task::yield_now().await;
    }
    user.check("STOR f", "425").await;
}

/// Real time, for a server that does not end what it should.
const PATIENCE: Duration = Duration::from_secs(10);
