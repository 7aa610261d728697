//! Connections that a thread has for a while.

use std::io;

use thirdhost_sockets::{Connection, Lent};
use thirdhost_wire::AcceptFilter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;

use crate::world::{LONG, accept, allocator, ip, stranger};

async fn pair() -> (Box<dyn Connection>, TcpStream) {
    let mut listening = allocator().listen(ip("127.0.0.1"), None).unwrap();
    let far = stranger("127.0.0.1", listening.local()).await;
    let near = accept(&mut listening, AcceptFilter::Any, LONG).await;
    (near.unwrap(), far)
}

async fn read(lent: Lent) -> (Lent, io::Result<Option<usize>>, Vec<u8>) {
    let reading = spawn_blocking(move || {
        let mut bytes = vec![0; 9];
        let read = lent.read(&mut bytes);
        (lent, read, bytes)
    });
    reading.await.unwrap()
}

/// Reads until something came: on a busy machine that may take more than one turn.
async fn read_something(mut lent: Lent) -> (Lent, io::Result<Option<usize>>, Vec<u8>) {
    loop {
        let (again, came, bytes) = read(lent).await;
        if !matches!(came, Ok(None)) {
            return (again, came, bytes);
        }
        lent = again;
    }
}

/// How many are lent is counted for the whole process: one test, so that none takes from another.
#[tokio::test]
async fn a_connection_is_read_by_a_thread_and_comes_back() {
    let (mut near, mut far) = pair().await;
    far.write_all(b"thread").await.unwrap();
    let (lent, came, bytes) = read_something(near.lend().unwrap()).await;
    assert_eq!(
        (came.unwrap(), &bytes[..6]),
        (Some(6), b"thread".as_slice())
    );
    let (lent, nothing, _) = read(lent).await;
    assert_eq!(nothing.unwrap(), None);
    assert!(near.lend().is_none(), "it is lent already");
    near.read_u8().await.expect_err("it is lent");
    near.take_back(lent).unwrap();
    far.write_all(b"runtime").await.unwrap();
    let mut bytes = [0; 7];
    near.read_exact(&mut bytes).await.unwrap();
    assert_eq!(bytes, *b"runtime");

    let lent = near.lend().unwrap();
    far.shutdown().await.unwrap();
    let (lent, end, _) = read_something(lent).await;
    assert_eq!(end.unwrap(), Some(0));
    near.take_back(lent).unwrap();
    near.write_all(b"answer").await.unwrap();
    near.reset_on_death(false);
    drop(near);
    let mut answer = Vec::new();
    far.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"answer");

    let (mut near, mut far) = pair().await;
    let lent = near.lend().unwrap();
    near.reset();
    drop(lent);
    let error = far.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);

    let mut pairs = Vec::new();
    for _ in 0..64 {
        let (mut near, far) = pair().await;
        let lent = near.lend();
        pairs.push((near, far, lent));
    }
    let lent = pairs.iter().filter(|(_, _, lent)| lent.is_some()).count();
    assert_eq!(lent, 16);
}
