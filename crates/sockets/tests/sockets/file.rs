//! Files go out as they are, from where and as far as they were asked for.

use std::fs::File;
use std::io::{Seek, Write};
use std::sync::Arc;

use thirdhost_sockets::{Connection, copy_file};
use thirdhost_wire::AcceptFilter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{LONG, accept, allocator, ip, stranger};

/// More than a few chunks of either way, and no multiple of one.
const FILE_BYTES: u64 = 5_000_011;

fn file() -> (Arc<File>, Vec<u8>) {
    let bytes: Vec<u8> = (0..FILE_BYTES)
        .map(|at| (at * 31 % 251).to_le_bytes()[0])
        .collect();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    file.rewind().unwrap();
    (Arc::new(file), bytes)
}

async fn pair() -> (Box<dyn Connection>, TcpStream) {
    let mut listening = allocator().listen(ip("127.0.0.1"), None).unwrap();
    let far = stranger("127.0.0.1", listening.local()).await;
    (
        accept(&mut listening, AcceptFilter::Any, LONG)
            .await
            .unwrap(),
        far,
    )
}

async fn received(mut far: TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    far.read_to_end(&mut received).await.unwrap();
    received
}

async fn check(offset: u64, length: u64) {
    let (file, bytes) = file();
    let first = usize::try_from(offset.min(FILE_BYTES)).unwrap();
    let last = usize::try_from(offset.saturating_add(length).min(FILE_BYTES)).unwrap();
    let expected = bytes.get(first..last).unwrap_or_default();

    let (mut near, far) = pair().await;
    let send = async {
        let sent = near.send_file(&file, offset, length).await.unwrap();
        near.shutdown().await.unwrap();
        sent
    };
    let (sent, arrived) = tokio::join!(send, received(far));
    assert_eq!(
        (sent, sent),
        (expected.len() as u64, arrived.len() as u64),
        "{offset} {length}"
    );
    assert!(
        arrived == expected,
        "send_file at {offset} changed the bytes"
    );

    let mut copied = Vec::new();
    let count = copy_file(&mut copied, &file, offset, length).await.unwrap();
    assert_eq!(count, expected.len() as u64, "{offset} {length}");
    assert!(
        copied == expected,
        "copy_file at {offset} changed the bytes"
    );
}

#[tokio::test]
async fn exactly_the_part_asked_for_is_sent() {
    check(0, FILE_BYTES).await;
    check(0, u64::MAX).await;
    check(1, 0).await;
    check(4_096, 131_072).await;
    check(131_071, 2_097_153).await;
    check(FILE_BYTES - 1, 100).await;
    check(FILE_BYTES, 1).await;
    check(FILE_BYTES + 1, 1).await;
}

/// The kernel sends the first one itself, and not the second.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_without_a_size_is_sent_until_it_ends() {
    for path in ["/proc/version", "/proc/self/limits"] {
        let expected = std::fs::read(path).unwrap();
        let file = Arc::new(File::open(path).unwrap());
        let (mut near, far) = pair().await;
        assert_eq!(
            near.send_file(&file, 0, u64::MAX).await.unwrap(),
            expected.len() as u64,
            "{path}"
        );
        near.reset_on_death(false);
        drop(near);
        assert_eq!(received(far).await, expected, "{path}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_that_has_to_come_from_the_disk_is_sent_as_it_is() {
    let (file, bytes) = file();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    let (mut near, far) = pair().await;
    let send = async {
        let sent = near.send_file(&file, 0, u64::MAX).await.unwrap();
        near.shutdown().await.unwrap();
        sent
    };
    let (sent, arrived) = tokio::join!(send, received(far));
    assert_eq!(sent, FILE_BYTES);
    assert!(arrived == bytes);
}

#[tokio::test]
async fn a_far_end_that_goes_away_ends_the_sending_with_an_error() {
    let (file, _) = file();
    let (mut near, far) = pair().await;
    drop(far);
    // The first bytes may still find room; the answer to them is a reset.
    let sent = async {
        loop {
            near.send_file(&file, 0, FILE_BYTES).await?;
        }
    };
    let ended: std::io::Result<()> = tokio::time::timeout(LONG, sent).await.unwrap();
    assert!(ended.is_err());
}
