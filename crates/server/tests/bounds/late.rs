//! What a session still does when its user is gone and has come back: nothing that is seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;
use thirdhost_server::Server;
use thirdhost_server::config::Config;
use thirdhost_server::limits::{DEAF, FAREWELL};
use thirdhost_server::store::{
    Entry, Homes, Listing, MemoryStore, Source, Store, StoreError, Upload, UploadKind,
};
use thirdhost_sockets::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use crate::client::{LOOPBACK, User, read};
use crate::clock::{self, Hand, PASSWORD};

/// A disk may take long over the last octets of a file. Whoever dies meanwhile was told nothing;
/// what he stores when he is back, and is told of, is what counts.
#[tokio::test]
async fn a_file_whose_user_died_takes_no_later_ones_place() {
    for pipelined in [false, true] {
        let (files, disk) = (Arc::new(MemoryStore::new()), Arc::new(Disk::default()));
        let (server, address) = start(&files, &disk);
        let mut later = User::log_in(address).await;
        let mut user = User::log_in(address).await;
        if pipelined {
            user.check("MODE B", "200").await;
            user.check("OPTS PIPELINE ON", "200").await;
        }
        disk.is_slow.store(true, Ordering::SeqCst);
        let mut data = user.data().await;
        user.check("STOR f", "150").await;
        let sent: &[u8] = if pipelined { NUMBERED } else { b"dead" };
        data.write_all(sent).await.unwrap();
        data.shutdown().await.unwrap();
        while disk.is_slow.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        drop((user, data));
        assert_eq!(later.send("STOR f", b"live").await, ["150", "226"]);
        disk.done.add_permits(1);
        while server.sessions() > 1 {
            tokio::task::yield_now().await;
        }
        let found = read(&files, "/f").await.unwrap();
        assert_eq!(found, b"live", "pipelined: {pipelined}");
    }
}

/// He may only have closed his own direction, and reads on: what was answered by then is told to
/// its end, and what came behind more replies than are held is not answered.
#[tokio::test]
async fn answers_wait_for_no_user_who_says_no_more_and_are_told_all_the_same() {
    let (_server, mut user) = ask_without_reading(&Hand::new()).await;
    user.shutdown().await.unwrap();
    let mut heard = Vec::new();
    user.read_to_end(&mut heard).await.unwrap();
    assert!(heard.len() > 64 * 1024, "{} octets", heard.len());
    assert!(heard.ends_with(b"\r\n211 End\r\n"), "cut off");
}

//= security#S-51
//= type=test
#[tokio::test]
async fn who_reads_nothing_and_goes_is_forgotten_within_the_second() {
    let clock = Hand::new();
    let (server, mut user) = ask_without_reading(&clock).await;
    clock.until_awaited(DEAF.as_secs_f64()).await;
    user.shutdown().await.unwrap();
    clock.advance(DEAF.as_secs_f64());
    clock.until_awaited(FAREWELL.as_secs_f64()).await;
    assert_eq!(server.sessions(), 1);
    clock.advance(FAREWELL.as_secs_f64());
    while server.sessions() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(DEAF + FAREWELL < Duration::from_secs(1));
}

/// A user who has sent more questions than are answered to one who does not read.
async fn ask_without_reading(clock: &Arc<Hand>) -> (Server, TcpStream) {
    let homes = Slow {
        files: Arc::<MemoryStore>::default() as _,
        disk: Arc::default(),
    };
    let (server, address) = clock::start_holding_replies("", Arc::new(homes), clock);
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut user = socket.connect(address).await.unwrap();
    let questions = "FEAT\r\n".repeat(5_000);
    user.write_all(questions.as_bytes()).await.unwrap();
    (server, user)
}

/// A home that is counted for its quota takes as long as it is large.
#[tokio::test]
async fn nobody_who_is_gone_waits_for_a_count() {
    for question in ["ALLO 5", "SITE PARTS OPEN 5 f"] {
        let disk = Arc::new(Disk::default());
        disk.is_slow.store(true, Ordering::SeqCst);
        let alice = format!("[[user]]\nname = \"alice\"\n{PASSWORD}\npermissions = [\"write\"]\n");
        let bounded = format!("{alice}quota = \"1M\"\n");
        let (server, address) = start_with(&bounded, &Arc::default(), &disk);
        let (mut user, _) = User::connect(address).await;
        user.check("USER alice", "331").await;
        user.check("PASS secret", "230").await;
        user.say(question).await;
        assert!(user.has_heard_nothing().await, "{question}");
        drop(user);
        let gone = async {
            while server.sessions() > 0 {
                tokio::task::yield_now().await;
            }
        };
        let gone = tokio::time::timeout(Duration::from_secs(20), gone).await;
        assert!(gone.is_ok(), "{question}");
    }
}

/// By the reply nothing holds the name any more, and what is kept can be gone on with.
#[tokio::test]
async fn an_upload_that_the_disk_fails_late_is_given_up_by_its_reply() {
    let disk = Arc::new(Disk::default());
    disk.fails.store(true, Ordering::SeqCst);
    let (_server, address) = start(&Arc::default(), &disk);
    let mut user = User::log_in(address).await;
    assert_eq!(user.send("STOR f", b"octets").await, ["150", "451"]);
    assert!(disk.is_given_up.load(Ordering::SeqCst));
}

/// The first file of a pipeline: its number, and all of it.
const NUMBERED: &[u8] = b"\x10\x00\x011\x40\x00\x04dead";

fn start(files: &Arc<MemoryStore>, disk: &Arc<Disk>) -> (Server, std::net::SocketAddr) {
    start_with("", files, disk)
}

/// With more lines in the configuration.
fn start_with(
    more: &str,
    files: &Arc<MemoryStore>,
    disk: &Arc<Disk>,
) -> (Server, std::net::SocketAddr) {
    let text = format!("root = \"/\"\n[anonymous]\npermissions = [\"read\", \"write\"]\n{more}");
    let config = Config::parse(&text, "thirdhostd.toml".as_ref()).unwrap();
    let world = World::real();
    let listener = world.network.listen(LOOPBACK.parse().unwrap(), 16).unwrap();
    let address = listener.local();
    let homes = Slow {
        files: Arc::clone(files) as _,
        disk: Arc::clone(disk),
    };
    let server = Server::new(config, world, Arc::new(homes));
    let serving = server.clone();
    tokio::spawn(async move { serving.serve(vec![listener], std::future::pending()).await });
    (server, address)
}

#[derive(Debug)]
struct Disk {
    /// Whether the next upload that comes to it takes long, and every count.
    is_slow: AtomicBool,
    done: Semaphore,
    /// Whether uploads fail at their end.
    fails: AtomicBool,
    is_given_up: AtomicBool,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            is_slow: AtomicBool::new(false),
            done: Semaphore::new(0),
            fails: AtomicBool::new(false),
            is_given_up: AtomicBool::new(false),
        }
    }
}

#[derive(Clone, Debug)]
struct Slow {
    files: Arc<dyn Store>,
    disk: Arc<Disk>,
}

impl Homes for Slow {
    fn home<'a>(
        &'a self,
        _home: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Arc<dyn Store>, StoreError>> {
        async { Ok(Arc::new(self.clone()) as Arc<dyn Store>) }.boxed()
    }
}

type Done<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

impl Store for Slow {
    fn stat<'a>(&'a self, path: &'a VirtualPath) -> Done<'a, Entry> {
        self.files.stat(path)
    }

    fn list<'a>(&'a self, path: &'a VirtualPath) -> Done<'a, Box<dyn Listing>> {
        self.files.list(path)
    }

    fn open<'a>(&'a self, path: &'a VirtualPath, offset: u64) -> Done<'a, Box<dyn Source>> {
        self.files.open(path, offset)
    }

    fn begin<'a>(&'a self, path: &'a VirtualPath, kind: UploadKind) -> Done<'a, Box<dyn Upload>> {
        async move {
            let upload = self.files.begin(path, kind).await?;
            let disk = Arc::clone(&self.disk);
            Ok(Box::new(SlowUpload { upload, disk }) as Box<dyn Upload>)
        }
        .boxed()
    }

    fn usage(&self) -> Done<'_, u64> {
        async {
            if self.disk.is_slow.load(Ordering::SeqCst) {
                self.disk.done.acquire().await.unwrap().forget();
            }
            self.files.usage().await
        }
        .boxed()
    }

    fn make_directory<'a>(&'a self, path: &'a VirtualPath) -> Done<'a, ()> {
        self.files.make_directory(path)
    }

    fn remove_directory<'a>(&'a self, path: &'a VirtualPath) -> Done<'a, ()> {
        self.files.remove_directory(path)
    }

    fn delete<'a>(&'a self, path: &'a VirtualPath) -> Done<'a, ()> {
        self.files.delete(path)
    }

    fn rename<'a>(&'a self, from: &'a VirtualPath, to: &'a VirtualPath) -> Done<'a, ()> {
        self.files.rename(from, to)
    }

    fn rename_new<'a>(&'a self, from: &'a VirtualPath, to: &'a VirtualPath) -> Done<'a, ()> {
        self.files.rename_new(from, to)
    }
}

struct SlowUpload {
    upload: Box<dyn Upload>,
    disk: Arc<Disk>,
}

impl Upload for SlowUpload {
    fn path(&self) -> &VirtualPath {
        self.upload.path()
    }

    fn write(&mut self, bytes: Vec<u8>) -> Done<'_, Vec<u8>> {
        self.upload.write(bytes)
    }

    fn settle(&mut self) -> Done<'_, ()> {
        async {
            if self.disk.is_slow.swap(false, Ordering::SeqCst) {
                self.disk.done.acquire().await.unwrap().forget();
            }
            if self.disk.fails.load(Ordering::SeqCst) {
                return Err(StoreError::Io(std::io::ErrorKind::Other.into()));
            }
            self.upload.settle().await
        }
        .boxed()
    }

    fn commit(self: Box<Self>) -> Done<'static, ()> {
        self.upload.commit()
    }

    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.disk.is_given_up.store(true, Ordering::SeqCst);
        self.upload.abandon()
    }
}
