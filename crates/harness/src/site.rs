//! A site: one server of this process, with a directory of real files of its own.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use ipnet::IpNet;
use tempfile::TempDir;
use thirdhost_client::Fingerprint;
use thirdhost_proto::server::Permissions;
use thirdhost_server::Server;
use thirdhost_server::accounts::{
    Account, Admission, Bounds, PasswordHash, Roll, ThirdPartyGrant, User,
};
use thirdhost_server::config::Config;
use thirdhost_server::limits::CONTROL_BACKLOG;
use thirdhost_server::store::DiskStore;
use thirdhost_server::tls::{Certificate, fingerprint, self_signed};
use thirdhost_sockets::World;
use thirdhost_wire::Password;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::{Flow, Tap};

/// A running server. Dropping it is like pulling the plug.
///
/// It has a runtime of its own, so that all of it can die at once.
#[derive(Debug)]
pub struct Site {
    name: String,
    address: SocketAddr,
    fingerprint: Option<Fingerprint>,
    directory: TempDir,
    /// Copies of files as they were at some moment.
    kept: TempDir,
    server: Server,
    data: Tap,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    runtime: Runtime,
    served: JoinHandle<io::Result<()>>,
    shutdown: oneshot::Sender<()>,
}

/// What a site will be like.
pub struct SiteBuilder {
    name: String,
    host: IpAddr,
    world: World,
    permissions: Permissions,
    under_tls: bool,
    configure: Box<dyn FnOnce(&mut Config) + Send>,
}

impl SiteBuilder {
    /// A site called `name` at `host`, where [`USER`] may do everything, in the real world.
    #[must_use]
    pub fn new(name: impl Into<String>, host: IpAddr) -> Self {
        Self {
            name: name.into(),
            host,
            world: World::real(),
            permissions: Permissions::all(),
            under_tls: false,
            configure: Box::new(|_| {}),
        }
    }

    /// The same in another world.
    #[must_use]
    pub fn in_world(self, world: World) -> Self {
        Self { world, ..self }
    }

    /// The same; the user may do no more than this.
    #[must_use]
    pub fn permit(self, permissions: Permissions) -> Self {
        Self {
            permissions,
            ..self
        }
    }

    /// The same with a certificate of its own; the user speaks to it under TLS.
    #[must_use]
    pub fn under_tls(self) -> Self {
        Self {
            under_tls: true,
            ..self
        }
    }

    /// The same with its configuration changed.
    #[must_use]
    pub fn configure(self, configure: impl FnOnce(&mut Config) + Send + 'static) -> Self {
        Self {
            configure: Box::new(configure),
            ..self
        }
    }

    /// Starts the server; it listens when this returns.
    ///
    /// # Errors
    /// Whatever the system says to a directory, a runtime or a socket.
    pub fn start(self) -> io::Result<Site> {
        let (directory, kept) = (TempDir::new()?, TempDir::new()?);
        let mut config = Config::quick_start(directory.path());
        config.listen = vec![SocketAddr::new(self.host, 0)];
        config.drain = DRAIN;
        config.roll = roll(self.permissions)?;
        config.tls.certificate = self.under_tls.then(|| certificate(&kept)).transpose()?;
        let shown = config.tls.certificate.as_ref();
        let fingerprint = shown.and_then(|shown| fingerprint(shown.fingerprint()).parse().ok());
        (self.configure)(&mut config);
        let store = DiskStore::open(directory.path(), config.uploads, config.durability)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(&self.name)
            .enable_all()
            .build()?;
        // The control listener is not tapped: what the tap sees are data connections.
        let listener = {
            let _inside = runtime.enter();
            let local = SocketAddr::new(self.host, 0);
            self.world.network.listen(local, CONTROL_BACKLOG)?
        };
        let address = listener.local();
        let data = Tap::on(Arc::clone(&self.world.network));
        let world = World {
            network: Arc::new(data.clone()),
            ..self.world
        };
        let server = Server::new(config, world, Arc::new(store));
        let (shutdown, stopped) = oneshot::channel();
        let serving = server.clone();
        let served = runtime.spawn(async move {
            let shutdown = async {
                // A sender that is dropped means the same as one that speaks.
                stopped.await.ok();
            };
            serving.serve(vec![listener], shutdown).await
        });
        let running = Some(Running {
            runtime,
            served,
            shutdown,
        });
        Ok(Site {
            name: self.name,
            address,
            fingerprint,
            directory,
            kept,
            server,
            data,
            running,
        })
    }
}

impl Site {
    /// Stops as SIGTERM does and waits for the end.
    ///
    /// # Errors
    /// What the server ended with.
    pub async fn stop(&mut self) -> io::Result<()> {
        let Some(running) = self.running.take() else {
            return Ok(());
        };
        running.shutdown.send(()).ok();
        let served = running.served.await;
        running.runtime.shutdown_background();
        served.map_err(io::Error::other)?
    }

    /// Dies: every task of it is dropped where it stands.
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.runtime.shutdown_background();
        }
    }

    /// Whether it has neither been stopped nor killed.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// What it is called in transcripts.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its server-PI listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate it shows; none where it has no TLS.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Where one of its files is.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Copies a file as it is now to where no server sees it.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn keep(&self, name: &str) -> io::Result<PathBuf> {
        let kept = self.kept.path().join(name);
        std::fs::copy(self.path(name), &kept)?;
        Ok(kept)
    }

    /// The names in its directory, hidden ones too, sorted.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.directory())? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    /// Its data connections: with whom, and how many bytes.
    #[must_use]
    pub fn data(&self) -> &Tap {
        &self.data
    }

    /// Data connections that carried something.
    #[must_use]
    pub fn data_flows(&self) -> Vec<Flow> {
        let mut flows = self.data.flows();
        flows.retain(|flow| flow.bytes > 0);
        flows
    }

    /// The server itself; its counts outlive it.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.kill();
    }
}

impl fmt::Debug for SiteBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SiteBuilder")
            .field("name", &self.name)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// One user with a home that is the root, who may meet third hosts on loopback.
fn roll(permissions: Permissions) -> io::Result<Roll> {
    let loopback: Vec<IpNet> = LOOPBACK.iter().filter_map(|net| net.parse().ok()).collect();
    let grant = ThirdPartyGrant {
        send_to: loopback.clone(),
        receive_from: loopback,
        privileged_ports: Vec::new(),
        ..ThirdPartyGrant::default()
    };
    let account = Account {
        name: USER.to_owned(),
        home: String::new(),
        permissions,
        third_party: Some(grant),
        operator: false,
        bounds: Bounds::default(),
        admission: Admission::default(),
        anonymous: false,
    };
    let user = User {
        account,
        password: Some(password()?),
    };
    Ok(Roll {
        users: vec![user],
        anonymous: None,
    })
}

/// A new certificate, signed by itself.
fn certificate(directory: &TempDir) -> io::Result<Certificate> {
    let pair = self_signed(vec!["localhost".to_owned()], SystemTime::now());
    let pair = pair.map_err(io::Error::other)?;
    let [chain, key] = ["server.pem", "server.key"].map(|name| directory.path().join(name));
    std::fs::write(&chain, pair.certificate)?;
    std::fs::write(&key, pair.key)?;
    Certificate::load(&chain, &key).map_err(io::Error::other)
}

/// The hash of [`PASSWORD`], made once: hashing is slow on purpose.
pub(crate) fn password() -> io::Result<PasswordHash> {
    static HASH: OnceLock<PasswordHash> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return Ok(hash.clone());
    }
    let password = Password::try_from(PASSWORD).map_err(io::Error::other)?;
    let hash = PasswordHash::of(&password).map_err(io::Error::other)?;
    Ok(HASH.get_or_init(|| hash).clone())
}

/// The name to log in with.
pub const USER: &str = "user";

/// The password to log in with.
pub const PASSWORD: &str = "third-host";

/// Long enough for a session that has something to finish; a session that hangs shows after it.
const DRAIN: Duration = Duration::from_secs(5);

const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];
