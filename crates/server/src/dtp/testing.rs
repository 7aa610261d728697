//! A connection, a clock and a store for the tests of this room, all in memory.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures_util::future::{BoxFuture, FutureExt};
use thirdhost_proto::server::VirtualPath;
use thirdhost_sockets::{Clock, Connection};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

use super::{DataConnection, Pace, Progress, Watch};
use crate::store::{Entry, EntryKind, Listing, Source, StoreError, Upload};

/// How much a connection of [`pair`] holds in each direction.
pub(super) const WIRE_BYTES: usize = 16 * 1024;

/// The stall limit of [`Watched`].
pub(super) const STALL: Duration = Duration::from_secs(300);

/// Our end, the far end, and what happened to ours.
pub(super) fn pair() -> (DataConnection, TestConnection, Spy) {
    let (ours, theirs, spy) = ends();
    (DataConnection::new(Box::new(ours)), theirs, spy)
}

/// Both ends as plain connections, and what happened to the first.
pub(crate) fn ends() -> (TestConnection, TestConnection, Spy) {
    let (ours, theirs) = tokio::io::duplex(WIRE_BYTES);
    let spy = Spy::default();
    let ours = TestConnection {
        stream: ours,
        spy: spy.clone(),
    };
    let theirs = TestConnection {
        stream: theirs,
        spy: Spy::default(),
    };
    (ours, theirs, spy)
}

/// Many octets with all that converters look for, and an end of line now and then.
pub(super) fn pattern(length: usize) -> Vec<u8> {
    let octet = |at: usize| match at % 11 {
        3 => b'\r',
        4 | 9 => b'\n',
        7 => 0xff,
        _ => u8::try_from(at / 11 % 251).unwrap(),
    };
    (0..length).map(octet).collect()
}

pub(super) async fn read_all(mut connection: TestConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    connection.read_to_end(&mut bytes).await.unwrap();
    bytes
}

pub(super) async fn read_some(connection: &mut TestConnection, most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    connection
        .take(most as u64)
        .read_to_end(&mut bytes)
        .await
        .unwrap();
    bytes
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Spy(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    reset: AtomicBool,
    writes: AtomicUsize,
    largest_write: AtomicUsize,
    held_back: Mutex<Vec<bool>>,
    read_error: Mutex<Option<io::ErrorKind>>,
    kept: Mutex<Vec<TestConnection>>,
}

impl Spy {
    pub(super) fn was_reset(&self) -> bool {
        self.0.reset.load(Ordering::Relaxed)
    }

    pub(crate) fn writes(&self) -> usize {
        self.0.writes.load(Ordering::Relaxed)
    }

    pub(super) fn largest_write(&self) -> usize {
        self.0.largest_write.load(Ordering::Relaxed)
    }

    /// What was said, one after the other, about holding back.
    pub(crate) fn held_back(&self) -> Vec<bool> {
        self.0.held_back.lock().unwrap().clone()
    }

    /// Reads fail so once there is nothing left to read.
    pub(super) fn fail_reads_with(&self, kind: io::ErrorKind) {
        *self.0.read_error.lock().unwrap() = Some(kind);
    }

    /// Keeps the far end open.
    pub(super) fn keep(&self, theirs: TestConnection) {
        self.0.kept.lock().unwrap().push(theirs);
    }
}

#[derive(Debug)]
pub(crate) struct TestConnection {
    stream: DuplexStream,
    spy: Spy,
}

impl AsyncRead for TestConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, into);
        match *self.spy.0.read_error.lock().unwrap() {
            Some(kind) if into.filled().len() == before => Poll::Ready(Err(kind.into())),
            _ => polled,
        }
    }
}

impl AsyncWrite for TestConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        if polled.is_ready() {
            self.spy.0.writes.fetch_add(1, Ordering::Relaxed);
        }
        self.spy
            .0
            .largest_write
            .fetch_max(bytes.len(), Ordering::Relaxed);
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Connection for TestConnection {
    fn peer(&self) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], 40002))
    }

    fn local(&self) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 2], 51003))
    }

    fn reset(self: Box<Self>) {
        self.spy.0.reset.store(true, Ordering::Relaxed);
    }

    fn hold_back(&mut self, hold: bool) {
        self.spy.0.held_back.lock().unwrap().push(hold);
    }

    fn send_file<'a>(
        &'a mut self,
        file: &'a Arc<File>,
        offset: u64,
        length: u64,
    ) -> BoxFuture<'a, io::Result<u64>> {
        async move {
            use std::io::{Read, Seek};
            let mut file = file.as_ref();
            file.seek(io::SeekFrom::Start(offset))?;
            let mut bytes = Vec::new();
            file.take(length).read_to_end(&mut bytes)?;
            self.write_all(&bytes).await?;
            Ok(bytes.len() as u64)
        }
        .boxed()
    }
}

/// A watch over tokio's clock.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) progress: Progress,
    pub(super) pace: Pace,
    clock: TokioClock,
}

impl Watched {
    pub(super) fn watch(&self) -> Watch<'_> {
        Watch {
            progress: &self.progress,
            stall: STALL,
            pace: &self.pace,
            clock: &self.clock,
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.now()
    }

    pub(super) async fn clock_sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}

#[derive(Debug)]
struct TokioClock(tokio::time::Instant);

impl Default for TokioClock {
    fn default() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

#[derive(Debug)]
pub(super) struct MemorySource {
    size: u64,
    rest: Vec<u8>,
    file: Option<Arc<File>>,
    fails: bool,
}

impl MemorySource {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self::sized(bytes.len() as u64, bytes)
    }

    /// Claims to be of another size.
    pub(super) fn sized(size: u64, bytes: &[u8]) -> Self {
        Self {
            size,
            rest: bytes.to_vec(),
            file: None,
            fails: false,
        }
    }

    /// Fails when `bytes` have been read.
    pub(super) fn failing(bytes: &[u8], size: u64) -> Self {
        Self {
            fails: true,
            ..Self::sized(size, bytes)
        }
    }

    pub(super) fn plain(size: u64, file: File) -> Self {
        Self {
            file: Some(Arc::new(file)),
            ..Self::sized(size, b"")
        }
    }
}

impl Source for MemorySource {
    fn size(&self) -> u64 {
        self.size
    }

    fn file(&self) -> Option<Arc<File>> {
        self.file.clone()
    }

    fn read<'a>(
        &'a mut self,
        buffer: &'a mut Vec<u8>,
        most: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        async move {
            // Less than asked for, as disks may.
            let read = self.rest.len().min(most).min(100_000);
            if read == 0 && self.fails {
                return Err(StoreError::Io(io::ErrorKind::Other.into()));
            }
            buffer.extend(self.rest.drain(..read));
            Ok(read)
        }
        .boxed()
    }
}

#[derive(Debug)]
pub(super) struct MemoryUpload {
    pub(super) path: VirtualPath,
    pub(super) bytes: Vec<u8>,
    pub(super) largest_write: usize,
    pub(super) full: bool,
}

impl Default for MemoryUpload {
    fn default() -> Self {
        Self {
            path: VirtualPath::root(),
            bytes: Vec::new(),
            largest_write: 0,
            full: false,
        }
    }
}

impl Upload for MemoryUpload {
    fn path(&self) -> &VirtualPath {
        &self.path
    }

    fn write(&mut self, mut bytes: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>> {
        async move {
            if self.full {
                return Err(StoreError::NoSpace);
            }
            self.largest_write = self.largest_write.max(bytes.len());
            self.bytes.append(&mut bytes);
            Ok(bytes)
        }
        .boxed()
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        async { Ok(()) }.boxed()
    }

    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
        async {}.boxed()
    }
}

/// A directory of so many files, in batches.
#[derive(Debug)]
pub(super) struct ManyEntries {
    left: usize,
    handed: Arc<AtomicUsize>,
}

impl ManyEntries {
    pub(super) fn new(entries: usize) -> Self {
        Self {
            left: entries,
            handed: Arc::default(),
        }
    }

    /// How many entries have been asked for so far.
    pub(super) fn handed(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.handed)
    }
}

impl Listing for ManyEntries {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        async move {
            let batch = self.left.min(256);
            self.left -= batch;
            self.handed.fetch_add(batch, Ordering::Relaxed);
            Ok((0..batch).map(|at| entry(self.left + at)).collect())
        }
        .boxed()
    }
}

fn entry(number: usize) -> Entry {
    Entry {
        name: format!("file-{number:08}"),
        kind: EntryKind::File,
        size: number as u64,
        modified: SystemTime::UNIX_EPOCH,
        unique: (1, number as u64),
        mode: 0o644,
        links: 1,
        owner: (0, 0),
        partial: None,
    }
}
