//! The server-FTP process as a library: listeners in, sessions out.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use thirdhost_sockets::{Allocator, Connection, Listener, PortPool, World};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::accept::{Begins, accept_either, is_exhausted, is_gone, refuse};
use crate::accounts::{Accounts, Roll};
use crate::busy::{Wish, drive};
use crate::config::Config;
use crate::limits::{BUSY_SESSIONS, FILE_HASHES_AT_ONCE};
use crate::parts::AllParts;
use crate::policy::TargetRate;
use crate::presence::Presence;
use crate::record::{self, Now, Record};
use crate::session;
use crate::shares::Shares;
use crate::spare::Spare;
use crate::store::{Homes, Quotas};
use crate::tls::{Certificate, Site};

/// A server: configuration, accounts and files, shared by all its sessions.
#[derive(Clone, Debug)]
pub struct Server {
    shared: Arc<Shared>,
}

/// What all sessions share.
#[derive(Debug)]
pub(crate) struct Shared {
    config: RwLock<Arc<Config>>,
    pub(crate) world: World,
    pub(crate) homes: Arc<dyn Homes>,
    pub(crate) accounts: Accounts,
    pub(crate) allocator: Allocator,
    pub(crate) targets: TargetRate,
    pub(crate) presence: Presence,
    /// Turns at hashing files.
    pub(crate) hashing: Arc<Semaphore>,
    /// Threads for sessions that have much to do.
    busy: Arc<Semaphore>,
    pub(crate) shares: Arc<Shares>,
    pub(crate) quotas: Quotas,
    pub(crate) parts: AllParts,
    pub(crate) record: Record,
    draining: AtomicBool,
    pub(crate) tls: Arc<Site>,
    sessions: Mutex<Sessions>,
}

/// How many sessions there are, in all and per host (spec S-52).
#[derive(Debug, Default)]
struct Sessions {
    total: usize,
    per_host: HashMap<IpAddr, usize>,
}

impl Server {
    /// A server that lives in `world` and keeps its users' homes in `homes`.
    #[must_use]
    pub fn new(config: Config, world: World, homes: Arc<dyn Homes>) -> Self {
        let pool = PortPool::new(config.data_sockets.ports.clone());
        let accounts = Accounts::new(config.roll.clone(), &world);
        let allocator = Allocator::new(world.clone(), pool);
        let shared = Shared {
            tls: Arc::new(Site::new(&config.tls, &config.hosts)),
            config: RwLock::new(Arc::new(config)),
            world,
            homes,
            accounts,
            allocator,
            targets: TargetRate::default(),
            presence: Presence::default(),
            hashing: Arc::new(Semaphore::new(FILE_HASHES_AT_ONCE)),
            busy: Arc::new(Semaphore::new(BUSY_SESSIONS)),
            shares: Arc::default(),
            quotas: Quotas::default(),
            parts: AllParts::default(),
            record: Record::default(),
            draining: AtomicBool::new(false),
            sessions: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Serves every caller of `listeners` until `shutdown` completes; then refuses new ones and
    /// lets running transfers finish, for at most the configured drain time.
    ///
    /// The caller binds, so that tests use port 0.
    ///
    /// # Errors
    /// When a listener fails in a way that will not pass.
    pub async fn serve(
        &self,
        listeners: Vec<Box<dyn Listener>>,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        self.serve_with_implicit(listeners, Vec::new(), shutdown)
            .await
    }

    /// As [`Self::serve`]; callers of `implicit` speak TLS from the first octet. Without a
    /// certificate they are refused.
    ///
    /// # Errors
    /// When a listener fails in a way that will not pass.
    pub async fn serve_with_implicit(
        &self,
        listeners: Vec<Box<dyn Listener>>,
        implicit: Vec<Box<dyn Listener>>,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        // Sessions hear it in the order in which they wait, which a watch channel leaves to chance.
        let drain = CancellationToken::new();
        let mut sessions = JoinSet::new();
        let mut spare = Spare::take();
        tokio::pin!(shutdown);
        let served = loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break Ok(()),
                // Sessions that are over give their memory back.
                Some(_) = sessions.join_next(), if !sessions.is_empty() => spare.refill(),
                (connection, begins) = accept_either(&listeners, &implicit) => match connection {
                    Ok(connection) if spare.is_lent() => {
                        self.turn_away(&mut sessions, connection, begins, "the server is full");
                    }
                    Ok(connection) => {
                        self.begin(&mut sessions, connection, begins, drain.clone());
                    }
                    Err(error) if is_gone(&error) => break Err(error),
                    Err(error) if is_exhausted(&error) && spare.lend() => {
                        tracing::warn!(%error, "no descriptor is left for new sessions");
                    }
                    Err(error) => {
                        tracing::warn!(%error, "accept failed; waiting");
                        self.shared.world.clock.sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        };
        self.shared.draining.store(true, Ordering::Relaxed);
        drop((listeners, implicit));
        drain.cancel();
        tokio::select! {
            biased;
            () = join_all(&mut sessions) => {}
            () = self.shared.world.clock.sleep(self.shared.config().drain) => {
                tracing::warn!(sessions = sessions.len(), "the drain time is over; closing all");
                sessions.shutdown().await;
            }
        }
        served
    }

    /// Puts `config` in the place of the one in force: users and certificate at once, the rest for
    /// sessions that begin from now on. What [`Config::needs_restart`] lists stays as it is.
    pub fn replace_config(&self, mut config: Config) {
        self.replace_users(config.roll.clone());
        self.replace_certificate(config.tls.certificate.clone());
        self.shared.tls.rename(&config.tls, &config.hosts);
        let before = self.shared.config();
        config.stays(&before);
        *self
            .shared
            .config
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    /// Replaces the users; sessions that are logged in go on as they are.
    pub fn replace_users(&self, roll: Roll) {
        self.shared.accounts.replace(roll);
    }

    /// Replaces the certificate; sessions that have begun go on with theirs.
    pub fn replace_certificate(&self, certificate: Option<Certificate>) {
        self.shared.tls.replace(certificate);
    }

    /// Opens the xferlog that the configuration names, if it names one; again after SIGHUP, so
    /// that it can be rotated.
    ///
    /// # Errors
    /// Whatever the system says; an xferlog that was open stays open.
    pub fn open_xferlog(&self) -> io::Result<()> {
        match &self.shared.config().log.xferlog {
            Some(path) => self.shared.record.open_xferlog(path),
            None => Ok(()),
        }
    }

    /// Answers `/healthz` and `/metrics` over HTTP to whoever calls `listener`, until dropped.
    ///
    /// # Errors
    /// When the listener fails in a way that will not pass.
    pub async fn serve_metrics(self, listener: TcpListener) -> io::Result<()> {
        record::serve(self, listener).await
    }

    /// The metrics in the text form of OpenMetrics 1.0.
    ///
    /// # Errors
    /// When they cannot be written down, which would be a bug.
    pub fn metrics(&self) -> Result<String, std::fmt::Error> {
        self.shared.record.text(Now {
            sessions: self.sessions(),
            ports_reserved: self.ports_reserved(),
            draining: self.is_draining(),
        })
    }

    /// Whether the server takes no new sessions any more.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.shared.draining.load(Ordering::Relaxed)
    }

    /// How many data ports are reserved now; for checks and metrics.
    #[must_use]
    pub fn ports_reserved(&self) -> usize {
        self.shared.allocator.pool().leased()
    }

    /// How many sessions there are now; for checks and metrics.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.shared.count().total
    }

    fn begin(
        &self,
        sessions: &mut JoinSet<()>,
        connection: Box<dyn Connection>,
        begins: Begins,
        drain: CancellationToken,
    ) {
        let shared = Arc::clone(&self.shared);
        match Seat::take(&shared, connection.peer().ip()) {
            Ok(seat) => {
                shared.record.session();
                let (wish, busy) = (Wish::default(), Arc::clone(&shared.busy));
                let asks = wish.clone();
                let session = async move {
                    session::run(connection, begins, shared, drain, asks).await;
                    drop(seat);
                };
                sessions.spawn(drive(session, wish, busy));
            }
            Err(why) => self.turn_away(sessions, connection, begins, why),
        }
    }

    fn turn_away(
        &self,
        sessions: &mut JoinSet<()>,
        connection: Box<dyn Connection>,
        begins: Begins,
        why: &'static str,
    ) {
        tracing::warn!(peer = %connection.peer(), why, "session refused");
        self.shared.record.session_refused();
        if begins == Begins::UnderTls {
            // A reply in clear would be no TLS record; the handshake is not worth a seat.
            return;
        }
        let clock = Arc::clone(&self.shared.world.clock);
        sessions.spawn(refuse(clock, connection, why));
    }
}

impl Shared {
    /// The configuration in force.
    pub(crate) fn config(&self) -> Arc<Config> {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&config)
    }

    /// The addresses that are this server's own: no third-party target unless listed (S-3).
    pub(crate) fn own_addresses(&self, local: IpAddr) -> Vec<IpAddr> {
        let public = self.config().data_sockets.public_address;
        let listening = self.own_listeners().into_iter();
        let listening = listening.map(|address| address.ip());
        let named = listening.filter(|host| !host.is_unspecified());
        named.chain(public).chain([local]).collect()
    }

    /// Where control connections are waited for: nobody is called there (S-3).
    pub(crate) fn own_listeners(&self) -> Vec<SocketAddr> {
        let config = self.config();
        let implicit = &config.tls.implicit_listen;
        config.listen.iter().chain(implicit).copied().collect()
    }

    fn count(&self) -> std::sync::MutexGuard<'_, Sessions> {
        // The counts are whole at every moment a panic could strike.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session's place in the counts. Dropping it frees the place.
#[derive(Debug)]
struct Seat {
    shared: Arc<Shared>,
    host: IpAddr,
}

impl Seat {
    fn take(shared: &Arc<Shared>, peer: IpAddr) -> Result<Self, &'static str> {
        let host = counted_host(peer);
        let limits = shared.config().sessions;
        let mut sessions = shared.count();
        if sessions.total >= limits.most {
            return Err("too many sessions");
        }
        let of_host = sessions.per_host.get(&host).copied().unwrap_or(0);
        if of_host >= limits.most_per_host {
            return Err("too many sessions from your address");
        }
        sessions.total += 1;
        sessions.per_host.insert(host, of_host + 1);
        Ok(Self {
            shared: Arc::clone(shared),
            host,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut sessions = self.shared.count();
        sessions.total = sessions.total.saturating_sub(1);
        if let Some(count) = sessions.per_host.get_mut(&self.host) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                sessions.per_host.remove(&self.host);
            }
        }
    }
}

/// What counts as one host: an IPv4 address, or the /64 an IPv6 user has to itself.
fn counted_host(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(host) => IpAddr::V4(host),
        IpAddr::V6(host) => IpAddr::V6(Ipv6Addr::from_bits(host.to_bits() & !u128::from(u64::MAX))),
    }
}

async fn join_all(sessions: &mut JoinSet<()>) {
    while sessions.join_next().await.is_some() {}
}

/// How long to wait before accepting again after a failure.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
