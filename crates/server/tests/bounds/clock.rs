//! A clock that a test sets by hand, and a server that lives by it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use socket2::{Domain, Socket, Type};
use thirdhost_server::Server;
use thirdhost_server::config::Config;
use thirdhost_server::store::Homes;
use thirdhost_sockets::{Clock, Listener, Network, World, adopt_listener};
use tokio::sync::watch;

use crate::client::LOOPBACK;

/// Time that passes when a test says so.
#[derive(Debug)]
pub(crate) struct Hand {
    now: watch::Sender<Duration>,
    /// Everything that was ever waited for.
    waits: Mutex<Vec<Duration>>,
}

impl Hand {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            now: watch::Sender::new(Duration::from_secs(1_000)),
            waits: Mutex::default(),
        })
    }

    pub(crate) fn advance(&self, seconds: f64) {
        let by = Duration::from_secs_f64(seconds);
        self.now.send_modify(|now| *now += by);
    }

    /// Returns once somebody has begun to wait for so many seconds, or a little longer, and
    /// forgets all waits.
    pub(crate) async fn until_awaited(&self, seconds: f64) {
        let about = seconds..seconds * 1.0625;
        loop {
            {
                let mut waits = self.waits.lock().unwrap();
                if waits.iter().any(|wait| about.contains(&wait.as_secs_f64())) {
                    return waits.clear();
                }
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Clock for Hand {
    fn now(&self) -> Duration {
        *self.now.borrow()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.waits.lock().unwrap().push(duration);
        let mut now = self.now.subscribe();
        let due = *now.borrow() + duration;
        Box::pin(async move {
            // The clock outlives the server that asks it.
            let _over = now.wait_for(|now| *now >= due).await;
        })
    }
}

/// A server on loopback that lives by `clock`, with the configuration `text`.
pub(crate) fn start(text: &str, homes: Arc<dyn Homes>, clock: &Arc<Hand>) -> (Server, SocketAddr) {
    let world = World::real();
    let network = Arc::clone(&world.network);
    start_in(text, homes, clock, network)
}

/// As [`start`], calling out through `network`.
pub(crate) fn start_in(
    text: &str,
    homes: Arc<dyn Homes>,
    clock: &Arc<Hand>,
    network: Arc<dyn Network>,
) -> (Server, SocketAddr) {
    let listener = network.listen(LOOPBACK.parse().unwrap(), 16).unwrap();
    start_on(listener, text, homes, clock, network)
}

/// As [`start`]; replies to a user who does not read wait in the server but for a little.
pub(crate) fn start_holding_replies(
    text: &str,
    homes: Arc<dyn Homes>,
    clock: &Arc<Hand>,
) -> (Server, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    // Connections have it from the listener.
    socket.set_send_buffer_size(4096).unwrap();
    let any: SocketAddr = LOOPBACK.parse().unwrap();
    socket.bind(&any.into()).unwrap();
    socket.listen(16).unwrap();
    let listener = adopt_listener(socket.into()).unwrap();
    let network = World::real().network;
    start_on(listener, text, homes, clock, network)
}

fn start_on(
    listener: Box<dyn Listener>,
    text: &str,
    homes: Arc<dyn Homes>,
    clock: &Arc<Hand>,
    network: Arc<dyn Network>,
) -> (Server, SocketAddr) {
    let text = format!("root = \"/\"\n{text}");
    let config = Config::parse(&text, Path::new("thirdhostd.toml")).unwrap();
    let world = World {
        clock: clock.clone(),
        network,
        ..World::real()
    };
    let address = listener.local();
    let server = Server::new(config, world, homes);
    let serving = server.clone();
    tokio::spawn(async move { serving.serve(vec![listener], std::future::pending()).await });
    (server, address)
}

/// `password = …`, for `secret`, hashed as cheaply as can be.
pub(crate) const PASSWORD: &str = "password = \"$argon2id$v=19$m=8,t=1,p=1$pcAiPBPcGihoW87J7bAYpg\
                                   $V/9iYmut6T1PbZwZ8OX6Pilren7yWefvrngQEZB8kTc\"";
