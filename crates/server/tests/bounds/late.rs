//! What a session still does when its user is gone and has come back: nothing that is seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;
use thirdhost_server::Server;
use thirdhost_server::config::Config;
use thirdhost_server::store::{
    Entry, Homes, Listing, MemoryStore, Source, Store, StoreError, Upload, UploadKind,
};
use thirdhost_sockets::World;
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;

use crate::client::{LOOPBACK, User, read};

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

/// The first file of a pipeline: its number, and all of it.
const NUMBERED: &[u8] = b"\x10\x00\x011\x40\x00\x04dead";

fn start(files: &Arc<MemoryStore>, disk: &Arc<Disk>) -> (Server, std::net::SocketAddr) {
    let text = "root = \"/\"\n[anonymous]\npermissions = [\"read\", \"write\"]\n";
    let config = Config::parse(text, "thirdhostd.toml".as_ref()).unwrap();
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
    /// Whether the next upload that comes to it takes long.
    is_slow: AtomicBool,
    done: Semaphore,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            is_slow: AtomicBool::new(false),
            done: Semaphore::new(0),
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
            self.upload.settle().await
        }
        .boxed()
    }

    fn commit(self: Box<Self>) -> Done<'static, ()> {
        self.upload.commit()
    }

    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.upload.abandon()
    }
}
