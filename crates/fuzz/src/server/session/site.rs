//! The server, with a few files and ports.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use thirdhost_proto::server::{Permissions, VirtualPath};
use thirdhost_server::Server;
use thirdhost_server::accounts::{
    Account, Admission, Bounds, PasswordHash, Roll, ThirdPartyGrant, User,
};
use thirdhost_server::config::Config;
use thirdhost_server::store::{MemoryStore, Store, UploadKind};
use thirdhost_sockets::{Network as _, World};
use thirdhost_wire::Pathname;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::net::Net;
use crate::world::BEGINNING;

/// A server that serves, and the network as its user sees it.
pub(super) struct Site {
    server: Server,
    net: Net,
    pub(super) user_net: Net,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Site {
    pub(super) async fn open(pipe_bytes: usize, world: fn(&Net) -> World) -> Self {
        let net = Net::new(SERVER, pipe_bytes);
        let user_net = net.seen_from(USER);
        user_net.silence(SocketAddr::new(USER, SILENT_PORT));
        let store = MemoryStore::with_clock(Arc::new(|| SystemTime::UNIX_EPOCH + BEGINNING));
        fill(&store).await;
        let server = Server::new(config(), world(&net), Arc::new(store));
        let control = net.listen(SocketAddr::new(SERVER, 21), 1);
        let (stop, stopped) = oneshot::channel();
        let listeners = vec![control.expect("nobody else listens there")];
        let serving = server.clone();
        let served = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            serving.serve(listeners, stopped).await
        });
        Self {
            server,
            net,
            user_net,
            stop,
            served,
        }
    }

    /// Nothing is left of a session: no port, no socket but the one that listens.
    pub(super) fn assert_idle(&self) {
        assert_eq!(self.server.sessions(), 0, "sessions");
        assert_eq!(self.server.ports_reserved(), 0, "ports");
        assert_eq!(self.net.open(), 1, "sockets");
    }

    pub(super) async fn close(self) {
        drop(self.stop);
        let served = self.served.await.expect("serving does not panic");
        served.expect("its listener does not fail");
        assert_eq!(self.net.open(), 0, "sockets");
    }
}

fn config() -> Config {
    let mut config = Config::quick_start("/");
    config.data_sockets.ports = PORTS;
    config.data_sockets.accept = Duration::from_secs(10);
    config.mdtm_set = true;
    config.roll = Roll {
        users: vec![User {
            account: account("alice"),
            password: PasswordHash::try_from(CHEAP).ok(),
        }],
        anonymous: Some(Account {
            anonymous: true,
            ..account("anonymous")
        }),
    };
    config
}

fn account(name: &str) -> Account {
    let everywhere: Vec<ipnet::IpNet> = vec![ipnet::Ipv4Net::default().into()];
    let grant = ThirdPartyGrant {
        send_to: everywhere.clone(),
        receive_from: everywhere,
        ..ThirdPartyGrant::default()
    };
    Account {
        name: name.to_owned(),
        home: String::new(),
        permissions: Permissions::all(),
        third_party: Some(grant),
        operator: true,
        bounds: Bounds::default(),
        admission: Admission::default(),
        anonymous: false,
    }
}

async fn fill(store: &MemoryStore) {
    store
        .make_directory(&path("d"))
        .await
        .expect("an empty store");
    for (name, size) in [("a", 5), ("d/e", 70_000)] {
        let upload = store.begin(&path(name), UploadKind::Replace).await;
        let mut upload = upload.expect("an empty store");
        let contents = b"a\r\n\xff".iter().copied().cycle().take(size).collect();
        upload.write(contents).await.expect("room");
        upload.commit().await.expect("room");
    }
}

fn path(name: &str) -> VirtualPath {
    let name = Pathname::try_from(name).expect("a name");
    VirtualPath::root().join(&name).expect("a short name")
}

pub(super) const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
pub(super) const USER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Who calls here is neither taken nor refused.
const SILENT_PORT: u16 = 20_003;

/// So few that they run out.
const PORTS: std::ops::RangeInclusive<u16> = 50_000..=50_003;

/// Longer than anything that is done for a user who is gone, and shorter than the limit on
/// silence: a session that lasts that long has been forgotten.
pub(super) const IDLE_AT_END: Duration = Duration::from_secs(60);

/// A hash that no password has and that takes no time.
const CHEAP: &str = "$argon2id$v=19$m=8,t=1,p=1$bm9ib2R5IGF0IGFsbA$\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
