//! A server in this process: the real library, on a real socket, over a directory of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use thirdhost_proto::server::Permissions;
use thirdhost_server::Server;
use thirdhost_server::accounts::{
    Account, Admission, Bounds, PasswordHash, Roll, ThirdPartyGrant, User as Entry,
};
use thirdhost_server::config::Config;
use thirdhost_server::store::DiskStore;
use tokio::runtime::Runtime;

use super::network::WatchedNetwork;
use super::patience::{until, until_true};
use super::peer;
use super::user::User;

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) server: Server,
    pub(crate) network: WatchedNetwork,
    root: TempDir,
    runtime: Option<Runtime>,
}

impl Site {
    /// A server at `host` with the users of the scenarios.
    pub(crate) fn start(host: &str) -> Self {
        Self::configured(host, |_| {})
    }

    /// As [`Self::start`], with a configuration of one's own.
    pub(crate) fn configured(host: &str, change: impl FnOnce(&mut Config)) -> Self {
        let root = tempfile::tempdir().unwrap();
        let mut config = Config::quick_start(root.path());
        config.listen = vec![SocketAddr::new(peer::ip(host), 0)];
        config.roll = roll();
        change(&mut config);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (world, network) = WatchedNetwork::world();
        let store = DiskStore::open(root.path(), config.uploads, config.durability).unwrap();
        let listener = {
            let _inside = runtime.enter();
            let address = *config.listen.first().unwrap();
            world.network.listen(address, BACKLOG).unwrap()
        };
        let address = listener.local();
        // As the binary does: what listens, not what was asked for.
        config.listen = vec![address];
        let server = Server::new(config, world, Arc::new(store));
        let serving = server.clone();
        runtime.spawn(async move { serving.serve(vec![listener], std::future::pending()).await });
        Self {
            address,
            server,
            network,
            root,
            runtime: Some(runtime),
        }
    }

    /// A user at this machine who is logged in as `alice` in TYPE I.
    pub(crate) fn user(&self) -> User {
        self.user_at(USER)
    }

    /// As [`Self::user`], at a host of one's choice.
    pub(crate) fn user_at(&self, host: &str) -> User {
        let mut user = User::greeted(host, self.address);
        user.log_in("alice");
        user.ask("TYPE I", 200);
        user
    }

    /// As [`Self::user`], with another account.
    pub(crate) fn user_of(&self, name: &str) -> User {
        let mut user = User::greeted(USER, self.address);
        user.log_in(name);
        user.ask("TYPE I", 200);
        user
    }

    /// An address at this server's host.
    pub(crate) fn at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address.ip(), port)
    }

    /// Where a file is on disk.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Puts a file there.
    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// What is in a file.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The names in the root that an owner sees, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }

    /// Waits until no session is left but `others`, and no data port but theirs.
    pub(crate) fn until_only(&self, sessions: usize, ports: usize) {
        until(&format!("{sessions} sessions and {ports} ports"), || {
            let found = (self.server.sessions(), self.server.ports_reserved());
            (found == (sessions, ports)).then_some(())
        });
    }

    /// Waits until the server has called at least so many times.
    pub(crate) fn until_called(&self, times: usize) {
        until_true("calls", || self.network.calls().len() >= times);
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The users: alice may do everything, also with third hosts; bob has no third-party grant;
/// carol may only read.
pub(crate) fn roll() -> Roll {
    let everywhere = ThirdPartyGrant {
        send_to: vec!["127.0.0.0/8".parse().unwrap()],
        receive_from: vec!["127.0.0.0/8".parse().unwrap()],
        privileged_ports: Vec::new(),
        ..ThirdPartyGrant::default()
    };
    Roll {
        users: vec![
            entry("alice", Permissions::all(), Some(everywhere)),
            entry("bob", Permissions::all(), None),
            entry("carol", Permissions::read_only(), None),
        ],
        anonymous: None,
    }
}

/// A user whose home is the root.
pub(crate) fn entry(
    name: &str,
    permissions: Permissions,
    third_party: Option<ThirdPartyGrant>,
) -> Entry {
    Entry {
        account: Account {
            name: name.to_owned(),
            home: String::new(),
            permissions,
            third_party,
            operator: false,
            bounds: Bounds::default(),
            admission: Admission::default(),
            anonymous: false,
        },
        password: Some(PasswordHash::try_from(SECRET).unwrap()),
    }
}

/// Where the user of a scenario is.
pub(crate) const USER: &str = "127.0.0.1";

/// The hosts of RFC 438's example, and a fourth.
pub(crate) const SITE1: &str = "127.0.0.2";
pub(crate) const SITE2: &str = "127.0.0.3";
pub(crate) const STRANGER: &str = "127.0.0.4";

/// `secret`, hashed as cheaply as can be: the tests log in often.
pub(crate) const SECRET: &str = "$argon2id$v=19$m=8,t=1,p=1$pcAiPBPcGihoW87J7bAYpg\
                                 $V/9iYmut6T1PbZwZ8OX6Pilren7yWefvrngQEZB8kTc";

const BACKLOG: u32 = 64;
