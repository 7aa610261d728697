//! A server and a user of it, as small as will do.

use std::path::Path;
use std::sync::Arc;

use futures_util::future::poll_immediate;
use thirdhost_proto::server::VirtualPath;
use thirdhost_server::Server;
use thirdhost_server::config::Config;
use thirdhost_server::store::{MemoryStore, Store};
use thirdhost_sockets::World;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

pub(crate) const LOOPBACK: &str = "127.0.0.1:0";

/// A server on loopback with the configuration `text`, and what its users see of `files`.
pub(crate) fn start(text: &str, files: Arc<MemoryStore>) -> (Server, std::net::SocketAddr) {
    let text = format!("root = \"/\"\n{text}");
    let config = Config::parse(&text, Path::new("thirdhostd.toml")).unwrap();
    let world = World::real();
    let listener = world.network.listen(LOOPBACK.parse().unwrap(), 16).unwrap();
    let address = listener.local();
    let server = Server::new(config, world, files);
    let serving = server.clone();
    tokio::spawn(async move { serving.serve(vec![listener], std::future::pending()).await });
    (server, address)
}

pub(crate) fn path(name: &str) -> VirtualPath {
    VirtualPath::root().join(&name.try_into().unwrap()).unwrap()
}

/// What is in a file; none when it is not there.
pub(crate) async fn read(files: &MemoryStore, name: &str) -> Option<Vec<u8>> {
    let mut source = files.open(&path(name), 0).await.ok()?;
    let mut bytes = Vec::new();
    while source.read(&mut bytes, 1 << 20).await.unwrap() > 0 {}
    Some(bytes)
}

/// A control connection.
pub(crate) struct User {
    control: BufReader<TcpStream>,
}

impl User {
    /// Connects and reads the greeting.
    pub(crate) async fn connect(address: std::net::SocketAddr) -> (Self, String) {
        Self::greeted(TcpStream::connect(address).await.unwrap()).await
    }

    /// As [`Self::connect`], from an address of one's choice.
    pub(crate) async fn connect_from(host: &str, address: std::net::SocketAddr) -> (Self, String) {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(host.parse().unwrap()).unwrap();
        Self::greeted(socket.connect(address).await.unwrap()).await
    }

    async fn greeted(stream: TcpStream) -> (Self, String) {
        let mut user = Self {
            control: BufReader::new(stream),
        };
        let greeting = user.reply().await;
        (user, greeting)
    }

    /// Sends octets that are no line of FTP.
    pub(crate) async fn say_octets(&mut self, octets: &[u8]) {
        self.control.write_all(octets).await.unwrap();
    }

    /// Connects and logs in as anonymous, in TYPE I.
    pub(crate) async fn log_in(address: std::net::SocketAddr) -> Self {
        let (mut user, _) = Self::connect(address).await;
        user.check("USER anonymous", "331").await;
        user.check("PASS x", "230").await;
        user.check("TYPE I", "200").await;
        user
    }

    /// The last line of the next reply.
    pub(crate) async fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.control.read_line(&mut line).await.unwrap();
            if line.is_empty() || line.as_bytes().get(3) == Some(&b' ') && !line.starts_with(' ') {
                return line.trim_end().to_owned();
            }
        }
    }

    /// Whether nothing has come, after the server had its turn.
    pub(crate) async fn has_heard_nothing(&mut self) -> bool {
        // The runtime looks at its sockets between tasks only.
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        let heard = self.control.fill_buf();
        poll_immediate(heard).await.is_none()
    }

    pub(crate) async fn say(&mut self, line: &str) {
        let line = format!("{line}\r\n");
        self.control.write_all(line.as_bytes()).await.unwrap();
    }

    pub(crate) async fn ask(&mut self, line: &str) -> String {
        self.say(line).await;
        self.reply().await
    }

    pub(crate) async fn check(&mut self, line: &str, expected: &str) {
        let said = self.ask(line).await;
        assert!(said.starts_with(expected), "{line}: {said}");
    }

    /// A data connection, arranged and called.
    pub(crate) async fn data(&mut self) -> TcpStream {
        let said = self.ask("EPSV").await;
        let port = said.split('|').nth(3).unwrap().parse().unwrap();
        let host = self.control.get_ref().peer_addr().unwrap().ip();
        TcpStream::connect((host, port)).await.unwrap()
    }

    /// Sends `bytes` with `command`; the codes of the replies.
    pub(crate) async fn send(&mut self, command: &str, bytes: &[u8]) -> Vec<String> {
        let mut data = self.data().await;
        let mut said = vec![self.ask(command).await];
        if said[0].starts_with('1') {
            // A server that has no room closes early.
            let _ = data.write_all(bytes).await;
            let _ = data.shutdown().await;
            said.push(self.reply().await);
        }
        said.iter().map(|reply| reply[..3].to_owned()).collect()
    }

    /// Receives what `command` gives; the codes of the replies and the bytes.
    pub(crate) async fn receive(&mut self, command: &str) -> (Vec<String>, Vec<u8>) {
        let mut data = self.data().await;
        let mut said = vec![self.ask(command).await];
        let mut bytes = Vec::new();
        if said[0].starts_with('1') {
            data.read_to_end(&mut bytes).await.unwrap();
            drop(data);
            said.push(self.reply().await);
        }
        (
            said.iter().map(|reply| reply[..3].to_owned()).collect(),
            bytes,
        )
    }
}

/// Enough for the server to notice and to answer.
const TURNS: usize = 256;
