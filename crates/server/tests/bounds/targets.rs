//! Whom a user may name, how often, and how little the answers tell. Spec S-5, S-6, S-10.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::{BoxFuture, pending, ready};
use thirdhost_server::store::{MemoryStore, Store};
use thirdhost_sockets::{Connection, Held, Listener, Network, World};

use crate::client::{User, path};
use crate::clock::{Hand, PASSWORD, start, start_in};

async fn alice(address: SocketAddr) -> User {
    let (mut user, _) = User::connect(address).await;
    user.check("USER alice", "331").await;
    user.check("PASS secret", "230").await;
    user
}

//= security#S-6
//= type=test
#[tokio::test]
async fn the_twenty_first_third_host_of_a_minute_is_425() {
    let clock = Hand::new();
    let grant = "third_party = { send_to = [\"0.0.0.0/0\"] }";
    let text = format!("[[user]]\nname = \"alice\"\nhome = \"\"\n{PASSWORD}\n{grant}\n");
    let (_server, address) = start(&text, Arc::new(MemoryStore::new()), &clock);
    let mut user = alice(address).await;
    let name = |number: u8| format!("SOCK 198.51.100.{number},5000");
    for number in 1..=20 {
        user.check(&name(number), "255").await;
        clock.advance(1.0);
    }
    user.check(&name(21), "425").await;
    // Neither another command nor another session is a way round.
    user.check("EPRT |1|198.51.100.22|5000|", "425").await;
    user.check("LSTN S", "255").await;
    user.check(&name(23), "425").await;
    alice(address).await.check(&name(24), "425").await;
    // Whom the user named already, and the user's own host, are no new ones.
    user.check("EPRT |1|198.51.100.20|5001|", "200").await;
    user.check("EPRT |1|127.0.0.1|5001|", "200").await;
    clock.advance(40.0);
    user.check(&name(21), "255").await;
}

/// A network in which every port has its own way of not being reached.
#[derive(Debug)]
struct Unreachable(Arc<dyn Network>);

const FAILURES: [(u16, Option<io::ErrorKind>); 7] = [
    (5001, Some(io::ErrorKind::ConnectionRefused)),
    (5002, Some(io::ErrorKind::HostUnreachable)),
    (5003, Some(io::ErrorKind::NetworkUnreachable)),
    (5004, Some(io::ErrorKind::PermissionDenied)),
    (5005, Some(io::ErrorKind::ConnectionReset)),
    (5006, Some(io::ErrorKind::TimedOut)),
    // Filtered: nothing ever comes back.
    (5007, None),
];

impl Network for Unreachable {
    fn listen(&self, local: SocketAddr, backlog: u32) -> io::Result<Box<dyn Listener>> {
        self.0.listen(local, backlog)
    }

    fn hold(&self, local: SocketAddr) -> io::Result<Box<dyn Held>> {
        self.0.hold(local)
    }

    fn call(
        &self,
        _: Option<SocketAddr>,
        peer: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Box<dyn Connection>>> {
        let failure = FAILURES.iter().find(|(port, _)| *port == peer.port());
        match failure.and_then(|(_, kind)| *kind) {
            Some(kind) => Box::pin(ready(Err(kind.into()))),
            None => Box::pin(pending()),
        }
    }
}

//= security#S-5
//= type=test
#[tokio::test]
async fn why_a_target_is_not_reached_is_not_told() {
    let clock = Hand::new();
    let files = Arc::new(MemoryStore::new());
    files.make_directory(&path("/d")).await.unwrap();
    let network = Arc::new(Unreachable(World::real().network));
    let (server, address) = start_in("[anonymous]", files, &clock, network);
    let mut user = User::log_in(address).await;
    for command in ["EPRT |1|127.0.0.1|", "SOCK 127.0.0.1,"] {
        for (port, kind) in FAILURES {
            let end = if command.starts_with("EPRT") { "|" } else { "" };
            user.check(&format!("{command}{port}{end}"), "2").await;
            user.check("LIST d", "150").await;
            while user.has_heard_nothing().await {
                clock.advance(1.0);
            }
            let said = user.reply().await;
            assert_eq!(
                said, "425 Can't open data connection.",
                "{command} {kind:?}"
            );
        }
    }
    assert_eq!(server.ports_reserved(), 0);
}
