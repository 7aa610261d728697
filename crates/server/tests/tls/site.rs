//! A server in this process, with its own certificate and directory.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;
use thirdhost_server::Server;
use thirdhost_server::accounts::PasswordHash;
use thirdhost_server::config::Config;
use thirdhost_server::limits::CONTROL_BACKLOG;
use thirdhost_server::store::DiskStore;
use thirdhost_server::tls::{Certificate, fingerprint, self_signed};
use thirdhost_sockets::{Clock, Listener, World, adopt_listener};
use thirdhost_wire::Password;
use tokio::sync::oneshot;

/// A running server; dropping it stops it.
pub(crate) struct Site {
    pub(crate) explicit: SocketAddr,
    pub(crate) implicit: SocketAddr,
    pub(crate) server: Server,
    pub(crate) directory: TempDir,
    _stop: oneshot::Sender<()>,
}

impl Site {
    /// On 127.0.0.1.
    pub(crate) fn start(tls: &str) -> Self {
        Self::at("127.0.0.1", tls)
    }

    /// On `host`, with more lines for the table `[tls]`.
    pub(crate) fn at(host: &str, tls: &str) -> Self {
        Self::of(host, "", tls)
    }

    /// On 127.0.0.1, with lines `top` before all tables.
    pub(crate) fn with(top: &str, tls: &str) -> Self {
        Self::of("127.0.0.1", top, tls)
    }

    /// The hash of `secret`.
    pub(crate) fn hash() -> String {
        let secret = Password::try_from("secret").unwrap();
        PasswordHash::of(&secret).unwrap().as_str().to_owned()
    }

    /// By the time of `clock`; replies to a user who does not read wait in the server but for a
    /// little.
    pub(crate) fn holding_replies(clock: Arc<dyn Clock>) -> Self {
        let listen = || {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            // Connections have it from the listener.
            socket.set_send_buffer_size(4096).unwrap();
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            socket.bind(&any.into()).unwrap();
            socket.listen(64).unwrap();
            adopt_listener(socket.into()).unwrap()
        };
        let world = World {
            clock,
            ..World::real()
        };
        Self::listening("", "", listen, world)
    }

    /// On 127.0.0.1, with more lines for the table `[tls]`, by the time of `clock`.
    pub(crate) fn by(clock: Arc<dyn Clock>, tls: &str) -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        let listen = || World::real().network.listen(any, CONTROL_BACKLOG).unwrap();
        let world = World {
            clock,
            ..World::real()
        };
        Self::listening("", tls, listen, world)
    }

    fn of(host: &str, top: &str, tls: &str) -> Self {
        let any = SocketAddr::new(host.parse().unwrap(), 0);
        let listen = || World::real().network.listen(any, CONTROL_BACKLOG).unwrap();
        Self::listening(top, tls, listen, World::real())
    }

    fn listening(
        top: &str,
        tls: &str,
        listen: impl Fn() -> Box<dyn Listener>,
        world: World,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("files/alice")).unwrap();
        write_certificate(directory.path());
        let config = Self::configured(directory.path(), top, tls);
        let (explicit, implicit) = (listen(), listen());
        let store = DiskStore::open(&config.root, config.uploads, config.durability).unwrap();
        let (stop, stopped) = oneshot::channel();
        let site = Self {
            explicit: explicit.local(),
            implicit: implicit.local(),
            server: Server::new(config, world, Arc::new(store)),
            directory,
            _stop: stop,
        };
        let server = site.server.clone();
        tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            let served = server.serve_with_implicit(vec![explicit], vec![implicit], stopped);
            served.await.unwrap();
        });
        site
    }

    /// Puts another configuration in force, as SIGHUP does.
    pub(crate) fn reload(&self, top: &str, tls: &str) {
        let config = Self::configured(self.directory.path(), top, tls);
        self.server.replace_config(config);
    }

    fn configured(directory: &Path, top: &str, tls: &str) -> Config {
        let hash = Self::hash();
        let text = format!(
            "{top}root = \"files\"\n\
             [tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n{tls}\n\
             [[user]]\nname = \"alice\"\npassword = \"{}\"\nhome = \"alice\"\n\
             permissions = [\"read\", \"write\", \"append\", \"delete\", \"rename\", \"mkdir\"]\n\
             third_party = {{ send_to = [\"127.0.0.0/8\"], receive_from = [\"127.0.0.0/8\"] }}\n",
            hash
        );
        Config::parse(&text, &directory.join("thirdhostd.toml")).unwrap()
    }

    /// Where `name` of alice's is.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join("files/alice").join(name)
    }

    pub(crate) fn put(&self, name: &str, octets: &[u8]) {
        std::fs::write(self.file(name), octets).unwrap();
    }

    pub(crate) fn holds(&self, name: &str, octets: &[u8]) -> bool {
        std::fs::read(self.file(name)).is_ok_and(|found| found == octets)
    }

    /// What SITE PEERCERT takes.
    pub(crate) fn fingerprint(&self) -> String {
        fingerprint(self.certificate().fingerprint())
    }

    pub(crate) fn certificate(&self) -> Certificate {
        let path = self.directory.path();
        Certificate::load(&path.join("server.pem"), &path.join("server.key")).unwrap()
    }

    /// Puts another certificate in place of the one on the disk.
    pub(crate) fn renew_certificate(&self) -> Certificate {
        write_certificate(self.directory.path());
        self.certificate()
    }
}

/// Octets that no part of repeats soon.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

fn write_certificate(directory: &Path) {
    let pair = self_signed(vec!["localhost".to_owned()], SystemTime::now()).unwrap();
    std::fs::write(directory.join("server.pem"), pair.certificate).unwrap();
    std::fs::write(directory.join("server.key"), pair.key).unwrap();
}
