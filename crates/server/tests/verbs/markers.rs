//! Restart markers of MODE B: 110 for the source's, ours in what we send. RFC 959 section 3.5.

use std::fs::File;

use thirdhost_wire::{BlockDecoder, BlockEvent, Structure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Site, User};

#[tokio::test]
async fn an_upload_goes_on_from_the_marker_that_was_answered() {
    for (representation, before, file) in [
        ("TYPE I", &b"\0\0\x03abc"[..], "abcdef"),
        ("TYPE A", b"\0\0\x04ab\r\n", "ab\ndef"),
    ] {
        let site = Site::start().await;
        site.put("f", b"the old file");
        let mut user = in_block_mode(&site, representation).await;
        let mut data = user.passive().await;
        user.check("STOR f", "150").await;
        data.write_all(before).await.unwrap();
        data.write_all(b"\x10\0\x02m1\0\0\x09nevermore")
            .await
            .unwrap();
        assert_eq!(user.reply().await.trim_end(), "110 MARK m1 = o3");
        drop(data);
        assert!(user.reply().await.starts_with("426"));
        assert_eq!(site.read("f"), b"the old file");
        user.check("REST o3", "350").await;
        let said = user.send("STOR f", b"\x40\0\x03def").await;
        assert!(said.contains("250"), "{said}");
        assert_eq!(site.read("f"), file.as_bytes());
    }
}

#[tokio::test]
async fn where_nothing_would_be_kept_no_marker_is_promised() {
    let site = Site::start().await;
    site.put("f", b"old ");
    let mut user = in_block_mode(&site, "TYPE I").await;
    let said = user
        .send("APPE f", b"\0\0\x01n\x10\0\x02m1\x40\0\x02ew")
        .await;
    assert!(!said.contains("110"), "{said}");
    assert_eq!(site.read("f"), b"old new");
    // In text a CR that waits for its LF belongs to neither side of the marker.
    user.check("TYPE A", "200").await;
    let said = user
        .send("STOR f", b"\0\0\x02a\r\x10\0\x02m1\x40\0\x01\n")
        .await;
    assert!(!said.contains("110"), "{said}");
    assert_eq!(site.read("f"), b"a\n");
}

/// Each marker takes little to send and much to answer: what is said to a user who does not read
/// is bounded all the same.
#[tokio::test]
async fn a_user_who_reads_nothing_is_told_the_latest_markers_alone() {
    const MARKERS: usize = 5_000;
    let site = Site::holding_replies().await;
    let mut user = in_block_mode(&site, "TYPE I").await;
    let mut data = user.passive().await;
    data.set_nodelay(true).unwrap();
    user.check("STOR f", "150").await;
    for number in 0..MARKERS {
        let marker = format!("{number:0>255}");
        let block = [&b"\x10\0\xff"[..], marker.as_bytes()].concat();
        data.write_all(&block).await.unwrap();
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
    }
    data.write_all(b"\x40\0\0").await.unwrap();
    let mut told = Vec::new();
    loop {
        let reply = user.reply().await;
        if !reply.starts_with("110") {
            assert!(reply.starts_with("250"), "{reply}");
            break;
        }
        told.push(reply);
    }
    assert!(told.len() < MARKERS / 2, "{} are told", told.len());
    let last = told.last().unwrap();
    assert!(last.contains(&(MARKERS - 1).to_string()), "{last}");
}

#[tokio::test]
async fn what_is_sent_has_markers_from_which_it_can_be_sent_again() {
    const INTERVAL: u64 = 16 * 1024 * 1024;
    let site = Site::start().await;
    let large = File::create(site.home().join("large")).unwrap();
    large.set_len(2 * INTERVAL + 5).unwrap();
    let mut user = in_block_mode(&site, "TYPE I").await;
    let (octets, markers) = fetch(&mut user, "RETR large").await;
    assert_eq!(octets, 2 * INTERVAL + 5);
    assert_eq!(markers, ["o16777216", "o33554432"]);
    user.check("REST o33554432", "350").await;
    let (octets, markers) = fetch(&mut user, "RETR large").await;
    assert_eq!((octets, markers.len()), (5, 0));
}

async fn in_block_mode(site: &Site, representation: &str) -> User {
    let mut user = site.user().await;
    user.check("MODE B", "200").await;
    user.check(representation, "200").await;
    user
}

/// How many octets come, and which markers between them.
async fn fetch(user: &mut User, line: &str) -> (u64, Vec<String>) {
    let mut data = user.passive().await;
    user.check(line, "150").await;
    let mut blocks = BlockDecoder::new(Structure::File);
    let (mut octets, mut markers) = (0, Vec::new());
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = data.read(&mut buffer).await.unwrap();
        let mut wire = buffer.get(..read).unwrap();
        while let Some(event) = blocks.decode(&mut wire).unwrap() {
            match event {
                BlockEvent::Data(file) => octets += file.len() as u64,
                BlockEvent::Marker(marker) => markers.push(marker.to_string()),
                BlockEvent::EndOfFile { .. } => {
                    assert!(user.reply().await.starts_with("250"));
                    return (octets, markers);
                }
                _ => {}
            }
        }
    }
}
