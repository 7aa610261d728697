//! How many sessions there may be. Spec S-52.

use std::net::SocketAddr;
use std::sync::Arc;

use thirdhost_server::store::MemoryStore;

use crate::client::{User, start};

/// Under `config` two sessions stand, the third is told 421, and takes a place that is given
/// back.
async fn check(config: &str, mut third: impl AsyncFnMut(SocketAddr) -> (User, String)) {
    let (server, address) = start(config, Arc::new(MemoryStore::new()));
    let mut first = User::log_in(address).await;
    let _second = User::log_in(address).await;
    let (mut refused, said) = third(address).await;
    assert!(said.starts_with("421"), "{config}: {said}");
    assert_eq!(refused.reply().await, "", "closed");
    first.check("QUIT", "221").await;
    assert_eq!(first.reply().await, "", "closed");
    while server.sessions() > 1 {
        tokio::task::yield_now().await;
    }
    let (_again, said) = third(address).await;
    assert!(said.starts_with("2"), "{config}: {said}");
}

async fn greeted(address: SocketAddr) -> (User, String) {
    User::connect(address).await
}

async fn logged_in(address: SocketAddr) -> (User, String) {
    let (mut user, _) = User::connect(address).await;
    user.check("USER ftp", "331").await;
    let said = user.ask("PASS x").await;
    (user, said)
}

//= security#S-52
//= type=test
#[tokio::test]
async fn there_are_so_many_sessions_in_all_per_host_and_per_user() {
    check("[limits]\nsessions = 2\n[anonymous]", greeted).await;
    check("[limits]\nsessions_per_host = 2\n[anonymous]", greeted).await;
    check("[anonymous]\nsessions = 2", logged_in).await;
}

#[tokio::test]
async fn logging_in_anew_needs_no_second_place() {
    let (_server, address) = start("[anonymous]\nsessions = 1", Arc::new(MemoryStore::new()));
    let mut user = User::log_in(address).await;
    for line in ["USER anonymous", "REIN", "USER ftp"] {
        user.say(line).await;
        user.reply().await;
    }
    user.check("PASS x", "230").await;
}
