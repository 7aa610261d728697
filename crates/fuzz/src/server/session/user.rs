//! The user: what it sends, how it is cut, when it waits; and all that it hears.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thirdhost_sockets::{Connection, Listener, Network as _};
use thirdhost_wire as wire;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::commands;
use super::data::{Current, Plan};
use super::replies::{Said, replies};
use super::site::{SERVER, USER};
use crate::Input;
use crate::net::{Net, Wire};

pub(super) struct User {
    net: Net,
    writer: Option<WriteHalf<Wire>>,
    heard: Arc<Mutex<Vec<u8>>>,
    hearing: JoinHandle<()>,
    listens: watch::Sender<bool>,
    said: Said,
    plan: Current,
    /// The far ends of data connections.
    data: JoinSet<()>,
}

impl User {
    pub(super) fn call(net: &Net) -> Self {
        let control = net.connect(None, SocketAddr::new(SERVER, 21));
        let (reader, writer) = tokio::io::split(control.expect("the server listens"));
        let (listens, listening) = watch::channel(true);
        let (heard, plan) = (Arc::default(), Current::default());
        let mut data = JoinSet::new();
        for port in PORTS {
            let listener = net.listen(SocketAddr::new(USER, port), 1);
            let listener = listener.expect("nobody else listens there");
            data.spawn(take_callers(listener, Arc::clone(&plan)));
        }
        Self {
            net: net.clone(),
            writer: Some(writer),
            hearing: tokio::spawn(hear(reader, Arc::clone(&heard), listening)),
            heard,
            listens,
            said: Said::default(),
            plan,
            data,
        }
    }

    /// Whether it has left without a word.
    pub(super) fn is_gone(&self) -> bool {
        self.writer.is_none()
    }

    /// Does what the input says next.
    pub(super) async fn step(&mut self, input: &mut Input<'_>) {
        match input.below(20) {
            0 => Plan::read(input).put(&self.plan),
            1 | 2 => self.connect(input),
            3 => self.send(input.piece()).await,
            4 => {
                let wait = input.pick(&WAITS).unwrap_or(1);
                sleep(Duration::from_secs(wait)).await;
            }
            5 => sleep(MOMENT).await,
            6 => {
                self.said.was_deaf = true;
                self.listens.send_replace(input.flag());
            }
            7 if input.octet() == 0 => self.leave(),
            _ => self.command(input).await,
        }
    }

    /// Logs in, as nearly every session does.
    pub(super) async fn log_in(&mut self) {
        self.send(b"USER anonymous\r\nPASS x\r\n").await;
        sleep(MOMENT).await;
    }

    /// Ends everything, and has the rest said. None if it has left before.
    pub(super) async fn finish(mut self) -> Option<Said> {
        self.listens.send_replace(true);
        sleep(MOMENT).await;
        // Who stalls lets go, so that what runs can end, and be answered.
        self.data.shutdown().await;
        self.send(b"\r\nQUIT\r\n").await;
        let has_left = self.is_gone();
        let ended = timeout(SESSION_END, &mut self.hearing).await;
        assert!(has_left || ended.is_ok(), "a session without end");
        let mut said = self.said;
        said.heard = std::mem::take(&mut *lock(&self.heard));
        (!has_left).then_some(said)
    }

    fn leave(&mut self) {
        self.writer = None;
        self.hearing.abort();
    }

    /// A command, whole or in two pieces, with or without waiting for what it brings about.
    async fn command(&mut self, input: &mut Input<'_>) {
        let line = commands::line(input);
        let cut = usize::from(input.octet() >> 1);
        let (waits, cut) = (cut & 1 == 0, cut >> 1);
        match line.split_at_checked(cut) {
            Some((first, second)) if cut > 0 => {
                self.send(first).await;
                sleep(MOMENT).await;
                self.send(second).await;
            }
            _ => self.send(&line).await,
        }
        if waits {
            sleep(MOMENT).await;
        }
    }

    /// Calls the port that the server told last, from its host or from a stranger's.
    fn connect(&mut self, input: &mut Input<'_>) {
        let port = replies(&lock(&self.heard)).iter().rev().find_map(told_port);
        let stranger = SocketAddr::from(([192, 0, 2, 66], 0));
        let from = (input.octet() == 1).then_some(stranger);
        let peer = SocketAddr::new(SERVER, port.unwrap_or(FIRST_PORT));
        if let Ok(wire) = self.net.connect(from, peer) {
            self.data.spawn(Plan::of(&self.plan).follow(Box::new(wire)));
        }
    }

    /// Sends what the server takes; what it leaves is never sent.
    async fn send(&mut self, mut octets: &[u8]) {
        let Some(writer) = &mut self.writer else {
            return;
        };
        while let Ok(Ok(count @ 1..)) = timeout(MOMENT, writer.write(octets)).await {
            let (taken, left) = octets.split_at(count);
            self.said.sent.extend_from_slice(taken);
            octets = left;
        }
    }
}

async fn hear(
    mut reader: ReadHalf<Wire>,
    heard: Arc<Mutex<Vec<u8>>>,
    mut listening: watch::Receiver<bool>,
) {
    let mut octets = Vec::new();
    while listening.wait_for(|listens| *listens).await.is_ok() {
        match reader.read_buf(&mut octets).await {
            Ok(1..) => lock(&heard).append(&mut octets),
            Ok(0) | Err(_) => return,
        }
    }
}

async fn take_callers(listener: Box<dyn Listener>, plan: Current) {
    while let Ok(connection) = listener.accept().await {
        let connection: Box<dyn Connection> = connection;
        Plan::of(&plan).follow(connection).await;
    }
}

fn told_port(reply: &wire::Reply) -> Option<u16> {
    let by_pasv = wire::passive_socket(reply).ok().map(|socket| socket.port());
    let by_epsv = wire::extended_passive(reply).ok().map(|found| found.port);
    by_pasv.or(by_epsv).or(wire::data_socket(reply).ok())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the user listens; PORT and its kin name these, one that nobody listens on, and one that
/// is silent.
const PORTS: [u16; 2] = [20_000, 20_001];

const FIRST_PORT: u16 = 50_000;

/// So short that no limit runs out, and long enough for all that needs no time.
const MOMENT: Duration = Duration::from_millis(1);

/// By then every session has ended, which at least the limit on silence sees to: 300 s behind the
/// last of its commands, of which each may wait 10 s here for its data connection.
const SESSION_END: Duration = Duration::from_secs(10_000);

const WAITS: [u64; 6] = [1, 9, 11, 31, 61, 299];
