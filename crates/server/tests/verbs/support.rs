//! A server with a directory of its own, and a user that speaks plain lines.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;
use thirdhost_proto::server::Permissions;
use thirdhost_server::Server;
use thirdhost_server::accounts::{Account, Admission, Bounds, PasswordHash, User as Roster};
use thirdhost_server::config::Config;
use thirdhost_server::store::{DiskStore, Durability, UploadPolicy};
use thirdhost_sockets::{Listener, World, adopt_listener};
use thirdhost_wire::Password;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A server on loopback with the users alice, who may do everything, and bob, who may look.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    root: TempDir,
    _shutdown: oneshot::Sender<()>,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        let listener = World::real().network.listen(any, 64).unwrap();
        Self::listening(listener, change).await
    }

    /// The same, whose uploads are stored so.
    pub(crate) async fn storing(uploads: UploadPolicy) -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        let listener = World::real().network.listen(any, 64).unwrap();
        Self::listening_and_storing(listener, uploads, |_| {}).await
    }

    /// A server whose replies to a user who does not read wait in the server but for a little.
    pub(crate) async fn holding_replies() -> Self {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        // Connections have it from the listener.
        socket.set_send_buffer_size(4096).unwrap();
        socket.bind(&any.into()).unwrap();
        socket.listen(64).unwrap();
        Self::listening(adopt_listener(socket.into()).unwrap(), |_| {}).await
    }

    async fn listening(listener: Box<dyn Listener>, change: impl FnOnce(&mut Config)) -> Self {
        Self::listening_and_storing(listener, UploadPolicy::Whole, change).await
    }

    async fn listening_and_storing(
        listener: Box<dyn Listener>,
        uploads: UploadPolicy,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("home")).unwrap();
        let mut config = Config::quick_start(root.path());
        config.roll.users = vec![user("alice", Permissions::all(), true)];
        config
            .roll
            .users
            .push(user("bob", Permissions::read_only(), false));
        change(&mut config);
        let store = DiskStore::open(root.path(), uploads, Durability::Process).unwrap();
        let address = listener.local();
        let server = Server::new(config, World::real(), Arc::new(store));
        let (shutdown, ended) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let end = async {
                ended.await.ok();
            };
            server.serve(vec![listener], end).await.unwrap();
        });
        Self {
            address,
            root,
            _shutdown: shutdown,
        }
    }

    /// The user's home on the disk.
    pub(crate) fn home(&self) -> std::path::PathBuf {
        self.root.path().join("home")
    }

    pub(crate) fn above_home(&self) -> &Path {
        self.root.path()
    }

    /// Puts a file into the user's home.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.home().join(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.home().join(name)).unwrap()
    }

    /// A user that has been greeted and has not logged in.
    pub(crate) async fn caller(&self) -> User {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (reader, writer) = stream.into_split();
        let mut user = User {
            reader: BufReader::new(reader),
            writer,
            host: self.address,
        };
        assert!(user.reply().await.starts_with("220"));
        user
    }

    /// Alice, in TYPE I.
    pub(crate) async fn user(&self) -> User {
        self.logged_in("alice").await
    }

    pub(crate) async fn logged_in(&self, name: &str) -> User {
        let mut user = self.caller().await;
        user.check(&format!("USER {name}"), "331").await;
        user.check("PASS secret", "230").await;
        user.check("TYPE I", "200").await;
        user
    }
}

/// One control connection.
pub(crate) struct User {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    host: SocketAddr,
}

impl User {
    pub(crate) async fn say(&mut self, line: &str) {
        let line = format!("{line}\r\n");
        self.writer.write_all(line.as_bytes()).await.unwrap();
    }

    /// The next reply, its lines joined by LF.
    pub(crate) async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            within(self.reader.read_line(&mut line)).await.unwrap();
            assert!(
                line.ends_with("\r\n"),
                "the connection ended after {reply:?}"
            );
            reply.push_str(line.trim_end());
            let is_last = line.get(3..4) == Some(" ") && reply.get(..3) == line.get(..3);
            if is_last {
                return reply;
            }
            reply.push('\n');
        }
    }

    pub(crate) async fn ask(&mut self, line: &str) -> String {
        self.say(line).await;
        self.reply().await
    }

    #[track_caller]
    pub(crate) fn check<'a>(
        &'a mut self,
        line: &'a str,
        expected: &'a str,
    ) -> impl Future<Output = ()> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let reply = self.ask(line).await;
            assert!(
                reply.starts_with(expected),
                "{place}: {line}: {reply}, not {expected}"
            );
        }
    }

    /// A data connection by EPSV.
    pub(crate) async fn passive(&mut self) -> TcpStream {
        let reply = self.ask("EPSV").await;
        let port = reply.split('|').nth(3).unwrap().parse().unwrap();
        within(TcpStream::connect((self.host.ip(), port)))
            .await
            .unwrap()
    }

    /// Whatever `line` sends, and the final reply. Without a 1yz there is nothing but the reply.
    pub(crate) async fn fetch(&mut self, line: &str) -> (Vec<u8>, String) {
        let mut connection = self.passive().await;
        let first = self.ask(line).await;
        let mut bytes = Vec::new();
        if !first.starts_with('1') {
            return (bytes, first);
        }
        // A connection that breaks is seen in the reply.
        within(connection.read_to_end(&mut bytes)).await.ok();
        drop(connection);
        (bytes, self.reply().await)
    }

    /// Sends `bytes` with `line`; gives the final reply.
    pub(crate) async fn send(&mut self, line: &str, bytes: &[u8]) -> String {
        let mut connection = self.passive().await;
        let first = self.ask(line).await;
        if !first.starts_with('1') {
            return first;
        }
        // A server that refuses midway closes: that is seen in the reply.
        within(connection.write_all(bytes)).await.ok();
        within(connection.shutdown()).await.ok();
        let reply = self.reply().await;
        drop(connection);
        reply
    }
}

fn user(name: &str, permissions: Permissions, operator: bool) -> Roster {
    static HASH: OnceLock<PasswordHash> = OnceLock::new();
    let secret = || PasswordHash::of(&Password::try_from("secret").unwrap()).unwrap();
    // A bound that is never met: the verbs have to come through the store that keeps it.
    let mut bounds = Bounds::default();
    bounds.max_file_size = Some(u64::MAX);
    Roster {
        account: Account {
            name: name.to_owned(),
            home: "home".to_owned(),
            permissions,
            third_party: None,
            operator,
            bounds,
            admission: Admission::default(),
            anonymous: false,
        },
        password: Some(HASH.get_or_init(secret).clone()),
    }
}

/// Nothing here takes longer, or the test fails.
async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(30), future)
        .await
        .expect("an answer in time")
}
