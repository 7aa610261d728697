//! A server in the simulated world: it starts, serves, dies and starts again on the same disk.

use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thirdhost_server::Server;
use thirdhost_server::config::{Config, ConfigError};
use thirdhost_server::limits::CONTROL_BACKLOG;
use thirdhost_sockets::Network;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::chance::Chance;
use crate::disk::Disk;
use crate::net::{Death, Net};
use crate::trace::Trace;
use crate::world::world;

/// One server and its disk. Clones are the same server.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) name: &'static str,
    pub(crate) host: IpAddr,
    pub(crate) disk: Disk,
    net: Net,
    chance: Chance,
    trace: Trace,
    config: Config,
    life: Arc<Mutex<Option<Life>>>,
}

#[derive(Debug)]
struct Life {
    server: Server,
    serving: JoinHandle<io::Result<()>>,
    shutdown: Option<oneshot::Sender<()>>,
}

impl Site {
    pub(crate) fn new(
        (name, host): (&'static str, IpAddr),
        disk: Disk,
        net: Net,
        config: Config,
        (chance, trace): (Chance, Trace),
    ) -> Self {
        Self {
            name,
            host,
            disk,
            net,
            chance,
            trace,
            config,
            life: Arc::default(),
        }
    }

    /// Where its server-PI listens.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, CONTROL_PORT)
    }

    /// Starts, unless it runs already.
    pub(crate) fn start(&self) {
        let mut life = self.life();
        if life
            .as_ref()
            .is_some_and(|life| !life.serving.is_finished())
        {
            return;
        }
        self.net.power_on(self.host);
        let network: Arc<dyn Network> = Arc::new(self.net.host(self.host));
        let world = world(Arc::clone(&network), &self.chance);
        let listener = match network.listen(self.address(), CONTROL_BACKLOG) {
            Ok(listener) => listener,
            Err(error) => {
                let name = self.name;
                return self
                    .trace
                    .broken(format_args!("I3: {name} cannot start: {error}"));
            }
        };
        self.trace.note(format_args!("{} starts", self.name));
        let server = Server::new(self.config.clone(), world, Arc::new(self.disk.mount()));
        let (shutdown, stopped) = oneshot::channel::<()>();
        let serving = {
            let server = server.clone();
            tokio::spawn(async move {
                let shutdown = async {
                    if stopped.await.is_err() {
                        pending::<()>().await;
                    }
                };
                server.serve(vec![listener], shutdown).await
            })
        };
        *life = Some(Life {
            server,
            serving,
            shutdown: Some(shutdown),
        });
    }

    /// Dies where it stands.
    pub(crate) fn crash(&self, death: Death, loses_partials: bool) {
        let Some(life) = self.life().take() else {
            return;
        };
        self.trace
            .note(format_args!("{} dies: {death:?}", self.name));
        self.disk.crash(loses_partials);
        self.net.kill(self.host, death);
        life.serving.abort();
    }

    /// SIGTERM: running transfers may finish.
    pub(crate) fn drain(&self) {
        if let Some(shutdown) = self.life().as_mut().and_then(|life| life.shutdown.take()) {
            self.trace.note(format_args!("{} drains", self.name));
            self.net.drains(self.host);
            // A server that has ended needs no word.
            shutdown.send(()).ok();
        }
    }

    /// Sessions and reserved ports; `None` while it does not run.
    pub(crate) fn holds(&self) -> Option<(usize, usize)> {
        let life = self.life();
        let server = &life.as_ref()?.server;
        Some((server.sessions(), server.ports_reserved()))
    }

    fn life(&self) -> MutexGuard<'_, Option<Life>> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a server is configured as: one user, who may have files sent to and from the other one.
pub(crate) fn config(
    host: IpAddr,
    other: IpAddr,
    accept: u64,
    ports: u16,
) -> Result<Config, ConfigError> {
    let last = FIRST_PORT + ports - 1;
    let text = format!(
        "root = \"/\"\nlisten = [\"{host}:{CONTROL_PORT}\"]\ndrain_seconds = 5\n\
         [data]\nports = \"{FIRST_PORT}-{last}\"\naccept_seconds = {accept}\n\
         [tls]\nrequire = \"nothing\"\n\
         [[user]]\nname = \"{USER}\"\nhome = \"{HOME}\"\npassword = \"{HASH}\"\n\
         permissions = [\"read\", \"write\", \"append\", \"delete\", \"rename\", \"mkdir\"]\n\
         third_party = {{ send_to = [\"{other}/32\"], receive_from = [\"{other}/32\"] }}\n"
    );
    Config::parse(&text, Path::new("thirdhostd.toml"))
}

/// Where control connections are accepted.
pub(crate) const CONTROL_PORT: u16 = 2121;

/// The first of the data ports.
const FIRST_PORT: u16 = 50_000;

/// The name to log in with.
pub(crate) const USER: &str = "user";

/// The password to log in with.
pub(crate) const PASSWORD: &str = "secret";

/// Where the user's files are.
pub(crate) const HOME: &str = "home";

/// [`PASSWORD`], hashed as cheaply as can be.
const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$pcAiPBPcGihoW87J7bAYpg$\
                    V/9iYmut6T1PbZwZ8OX6Pilren7yWefvrngQEZB8kTc";
