//! A network of scripted servers, in memory and on tokio's paused clock.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use thirdhost_sockets::{Connection, Held, Listener, Network, World};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
    DuplexStream, ReadBuf,
};

use crate::{ControlConn, Credentials, Environment, Error, Observer, Security, Server};

/// What a scripted server does on a command line; the empty line is the call itself.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Say(String),
    Octets(Vec<u8>),
    /// The same again and again, without end.
    Repeat(&'static str),
    Silence,
    Close,
    /// This at once, the rest when it is known; no command is read meanwhile.
    Later(&'static str, Later),
}

/// A reply to come; taken once.
#[derive(Clone)]
pub(crate) struct Later(pub(crate) Arc<Mutex<Option<BoxFuture<'static, String>>>>);

impl std::fmt::Debug for Later {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Later")
    }
}

pub(crate) fn say(text: &str) -> Answer {
    Answer::Say(format!("{text}\r\n"))
}

pub(crate) type Script = Arc<dyn Fn(&str) -> Answer + Send + Sync>;

/// Takes the server's end of a data connection.
pub(crate) type Accept = Arc<dyn Fn(DuplexStream) + Send + Sync>;

/// What happens to a data connection.
#[derive(Clone)]
pub(crate) enum Data {
    /// The server at the other end sees to it.
    Accept(Accept),
    /// These bytes come, then the end.
    Send(Vec<u8>),
    /// Bytes come without end.
    Endless,
    /// These bytes come, then nothing, not even the end.
    Stall(Vec<u8>),
    /// What arrives is kept.
    Keep(Arc<Mutex<Vec<u8>>>),
}

/// The network; what is not in it refuses the call.
#[derive(Clone, Default)]
pub(crate) struct FakeNet {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    scripts: HashMap<SocketAddr, Script>,
    data: HashMap<SocketAddr, Data>,
    silent: Vec<SocketAddr>,
    calls: Vec<SocketAddr>,
    lines: Vec<(String, String)>,
}

impl FakeNet {
    pub(crate) fn control(
        &self,
        address: &str,
        script: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) {
        let mut inner = self.inner.lock().unwrap();
        inner
            .scripts
            .insert(address.parse().unwrap(), Arc::new(script));
    }

    pub(crate) fn data(&self, address: &str, data: Data) {
        self.inner
            .lock()
            .unwrap()
            .data
            .insert(address.parse().unwrap(), data);
    }

    /// Calls to `address` are neither taken nor refused.
    pub(crate) fn silent(&self, address: &str) {
        let mut inner = self.inner.lock().unwrap();
        inner.silent.push(address.parse().unwrap());
    }

    pub(crate) fn environment(&self) -> Environment {
        let world = World {
            network: Arc::new(self.clone()),
            ..World::real()
        };
        Environment::new(world).with_observer(Arc::new(self.clone()))
    }

    pub(crate) async fn greeted(&self, address: &str) -> Result<ControlConn, Error> {
        let server = Server::at(address.parse().unwrap()).secured(Security::ClearText);
        ControlConn::connect(&self.environment(), server).await
    }

    pub(crate) async fn login(&self, address: &str) -> Result<ControlConn, Error> {
        let mut conn = self.greeted(address).await?;
        conn.login(&Credentials::new("u", "secret").unwrap())
            .await?;
        Ok(conn)
    }

    /// Every address that was called.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.inner
            .lock()
            .unwrap()
            .calls
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// Every line seen, as `host > command` or `host < reply`.
    pub(crate) fn transcript(&self) -> Vec<String> {
        let inner = self.inner.lock().unwrap();
        inner
            .lines
            .iter()
            .map(|(site, line)| format!("{site} {line}"))
            .collect()
    }

    /// The commands sent to one server.
    pub(crate) fn sent_to(&self, site: &str) -> Vec<String> {
        let prefix = format!("{site} > ");
        let transcript = self.transcript();
        transcript
            .iter()
            .filter_map(|line| line.strip_prefix(&prefix))
            .map(str::to_owned)
            .collect()
    }
}

impl std::fmt::Debug for FakeNet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeNet")
    }
}

impl Observer for FakeNet {
    fn sent(&self, site: &str, line: &str) {
        self.inner
            .lock()
            .unwrap()
            .lines
            .push((site.to_owned(), format!("> {line}")));
    }

    fn received(&self, site: &str, line: &str) {
        self.inner
            .lock()
            .unwrap()
            .lines
            .push((site.to_owned(), format!("< {line}")));
    }
}

impl Network for FakeNet {
    fn listen(&self, _: SocketAddr, _: u32) -> io::Result<Box<dyn Listener>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn hold(&self, _: SocketAddr) -> io::Result<Box<dyn Held>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn call(
        &self,
        _: Option<SocketAddr>,
        peer: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Box<dyn Connection>>> {
        let mut inner = self.inner.lock().unwrap();
        inner.calls.push(peer);
        if inner.silent.contains(&peer) {
            return std::future::pending().boxed();
        }
        let (near, far) = tokio::io::duplex(PIPE_BYTES);
        if let Some(script) = inner.scripts.get(&peer).cloned() {
            tokio::spawn(serve(far, script, true));
        } else if let Some(data) = inner.data.get(&peer).cloned() {
            tokio::spawn(move_data(far, data));
        } else {
            return async { Err(io::ErrorKind::ConnectionRefused.into()) }.boxed();
        }
        let connection: Box<dyn Connection> = Box::new(FakeConnection { peer, stream: near });
        async { Ok(connection) }.boxed()
    }
}

/// Answers line by line; the call itself too, if it `greets`.
pub(crate) async fn serve(stream: impl AsyncRead + AsyncWrite, script: Script, greets: bool) {
    let (reader, mut writer) = tokio::io::split(stream);
    let mut lines = BufReader::new(reader).lines();
    let mut line = match greets {
        true => String::new(),
        false => match lines.next_line().await {
            Ok(Some(first)) => first,
            _ => return,
        },
    };
    loop {
        let sent = match script(&line) {
            Answer::Say(text) => writer.write_all(text.as_bytes()).await,
            Answer::Octets(octets) => writer.write_all(&octets).await,
            Answer::Repeat(text) => loop {
                if writer.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            },
            Answer::Silence => Ok(()),
            Answer::Later(first, later) => {
                let rest = later.0.lock().unwrap().take();
                let told = writer.write_all(first.as_bytes()).await;
                match rest {
                    Some(rest) => writer.write_all(rest.await.as_bytes()).await,
                    None => told,
                }
            }
            Answer::Close => return,
        };
        if sent.is_err() || writer.flush().await.is_err() {
            return;
        }
        match lines.next_line().await {
            Ok(Some(next)) => line = next,
            _ => return,
        }
    }
}

async fn move_data(mut stream: DuplexStream, data: Data) {
    match data {
        Data::Accept(accept) => accept(stream),
        Data::Send(bytes) => {
            stream.write_all(&bytes).await.ok();
        }
        Data::Endless => while stream.write_all(&[b'x'; 4096]).await.is_ok() {},
        Data::Stall(bytes) => {
            stream.write_all(&bytes).await.ok();
            std::future::pending::<()>().await;
        }
        Data::Keep(kept) => {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.ok();
            kept.lock().unwrap().extend(bytes);
        }
    }
}

#[derive(Debug)]
struct FakeConnection {
    peer: SocketAddr,
    stream: DuplexStream,
}

impl AsyncRead for FakeConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for FakeConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Connection for FakeConnection {
    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn local(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 40_000))
    }

    fn reset(self: Box<Self>) {}

    fn send_file<'a>(
        &'a mut self,
        _: &'a Arc<File>,
        _: u64,
        _: u64,
    ) -> BoxFuture<'a, io::Result<u64>> {
        async { Err(io::ErrorKind::Unsupported.into()) }.boxed()
    }
}

const PIPE_BYTES: usize = 64 << 10;
