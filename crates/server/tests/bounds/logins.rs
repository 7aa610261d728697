//! A refused login holds nothing longer than its user waits for it. Spec S-51, S-53.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::{BoxFuture, pending, select_all};
use thirdhost_server::Server;
use thirdhost_server::config::Config;
use thirdhost_server::limits::REFUSALS_HELD_MAX;
use thirdhost_server::store::MemoryStore;
use thirdhost_sockets::{Clock, World};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::client::{LOOPBACK, User};

/// A clock by which no wait is ever over.
#[derive(Debug)]
struct Endless;

impl Clock for Endless {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(pending())
    }
}

/// A server that knows nobody, holds refusals back for ever, and drains when told to.
fn start() -> (Server, SocketAddr, oneshot::Sender<()>) {
    let text = "root = \"/\"\n[tls]\nrequire = \"nothing\"";
    let config = Config::parse(text, Path::new("thirdhostd.toml")).unwrap();
    let world = World {
        clock: Arc::new(Endless),
        ..World::real()
    };
    let listener = world.network.listen(LOOPBACK.parse().unwrap(), 16).unwrap();
    let address = listener.local();
    let server = Server::new(config, world, Arc::new(MemoryStore::new()));
    let serving = server.clone();
    let (drain, draining) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let draining = async { drop(draining.await) };
        serving.serve(vec![listener], draining).await
    });
    (server, address, drain)
}

async fn guesser(address: SocketAddr) -> User {
    let (mut user, _) = User::connect(address).await;
    user.check("USER nobody", "331").await;
    user.say("PASS guess").await;
    user
}

async fn until_empty(server: &Server) {
    let empty = async {
        while server.sessions() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, empty).await.unwrap();
}

//= security#S-51
//= type=test
#[tokio::test]
async fn who_does_not_wait_for_the_refusal_leaves_nothing_behind() {
    let (server, address, _drain) = start();
    drop(guesser(address).await);
    // As many lines as fill every queue, behind the password.
    let mut talkative = guesser(address).await;
    talkative.say(&"NOOP\r\n".repeat(4_000)).await;
    drop(talkative);
    until_empty(&server).await;
}

#[tokio::test]
async fn a_drain_does_not_wait_for_a_refusal() {
    let (server, address, drain) = start();
    let mut user = guesser(address).await;
    drain.send(()).unwrap();
    let said = timeout(PATIENCE, user.reply()).await.unwrap();
    assert!(said.starts_with("421"), "{said}");
    until_empty(&server).await;
}

#[tokio::test]
async fn of_too_many_refusals_of_a_host_one_is_told_at_once() {
    let (server, address, _drain) = start();
    let mut users = Vec::new();
    for _ in 0..=REFUSALS_HELD_MAX {
        users.push(guesser(address).await);
    }
    let replies = users.iter_mut().map(|user| Box::pin(user.reply()));
    let (said, _, rest) = timeout(PATIENCE, select_all(replies)).await.unwrap();
    assert!(said.starts_with("421"), "{said}");
    drop(rest);
    drop(users);
    until_empty(&server).await;
}

const PATIENCE: Duration = Duration::from_secs(10);
