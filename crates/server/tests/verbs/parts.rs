//! SITE PARTS: a file that several sessions store at once, whole or not at all.

use std::time::Duration;

use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::support::{Site, User};

const SIZE: usize = 300_000;

fn bytes() -> Vec<u8> {
    (0..SIZE).map(|at| (at * 7 + at / 251) as u8).collect()
}

/// What a session of alice opens for a file of `SIZE`.
async fn open(user: &mut User, name: &str) -> String {
    let reply = user.ask(&format!("SITE PARTS OPEN {SIZE} {name}")).await;
    reply.strip_prefix("200 PARTS ").unwrap().to_owned()
}

async fn part(user: &mut User, name: &str, first: usize, end: usize) -> String {
    user.check(&format!("RANG {first} {}", end - 1), "350")
        .await;
    let bytes = bytes();
    let part = bytes.get(first..end).unwrap();
    user.send(&format!("STOR {name}"), part).await
}

/// Another session, half of whose part of 200,000 octets has been sent.
async fn half_a_part(site: &Site, key: &str) -> (User, TcpStream) {
    let mut user = site.user().await;
    user.check(&format!("SITE PARTS JOIN {key}"), "200").await;
    user.check("RANG 0 199999", "350").await;
    let mut data = user.passive().await;
    user.check("STOR f", "150").await;
    data.write_all(bytes().get(..100_000).unwrap())
        .await
        .unwrap();
    (user, data)
}

/// Nothing but what a user has put there: no temporary either.
fn names(site: &Site) -> Vec<String> {
    let entries = std::fs::read_dir(site.home()).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

async fn until_names_are(site: &Site, expected: &[&str]) {
    let waiting = async {
        while names(site) != expected {
            yield_now().await;
        }
    };
    let waited = timeout(Duration::from_secs(30), waiting).await;
    assert!(waited.is_ok(), "{:?}", names(site));
}

#[tokio::test]
async fn four_sessions_store_one_file_and_nothing_is_seen_before_it_is_closed() {
    let site = Site::start().await;
    site.put("f", b"old");
    let mut first = site.user().await;
    assert!(first.ask("FEAT").await.contains("\n PARTS\n"));
    let key = open(&mut first, "f").await;
    let mut sessions = vec![first];
    for _ in 0..3 {
        let mut user = site.user().await;
        user.check(&format!("SITE PARTS JOIN {key}"), "200").await;
        sessions.push(user);
    }
    // All data connections stand before the first octet comes, and the last part comes first.
    let bytes = bytes();
    let mut ends = Vec::new();
    for (number, user) in sessions.iter_mut().enumerate() {
        let (first, end) = (number * SIZE / 4, (number + 1) * SIZE / 4);
        user.check(&format!("RANG {first} {}", end - 1), "350")
            .await;
        let mut data = user.passive().await;
        user.check("STOR f", "150").await;
        data.write_all(&bytes[first..first + 10]).await.unwrap();
        ends.push((data, first + 10, end));
    }
    for ((mut data, first, end), user) in ends.into_iter().zip(&mut sessions).rev() {
        data.write_all(&bytes[first..end]).await.unwrap();
        data.shutdown().await.unwrap();
        let reply = user.reply().await;
        assert!(reply.starts_with("226"), "{reply}");
        assert_eq!(site.read("f"), b"old");
    }
    let size = format!("SITE PARTS SIZE {key}");
    sessions[3].check(&size, &format!("213 {SIZE}")).await;
    // Who joined may not close.
    sessions[1].check("SITE PARTS CLOSE", "550").await;
    assert_eq!(site.read("f"), b"old");
    sessions[0].check("SITE PARTS CLOSE", "250").await;
    assert_eq!(site.read("f"), bytes);
    assert_eq!(names(&site), ["f"]);
    sessions[3].check(&size, "550").await;
}

#[tokio::test]
async fn a_file_of_parts_is_what_its_hash_says_or_does_not_appear() {
    let site = Site::start().await;
    let mut user = site.user().await;
    site.put("g", &bytes());
    for algorithm in ["SHA-256", "CRC32"] {
        user.check(&format!("OPTS HASH {algorithm}"), "200").await;
        let hash = user.ask("HASH g").await;
        let digest = hash.split(' ').nth(3).unwrap().to_owned();
        let other = "0".repeat(digest.len());
        for (told, reply) in [(&other, "551"), (&digest, "250")] {
            open(&mut user, "f").await;
            let stored = part(&mut user, "f", 0, SIZE).await;
            assert!(stored.starts_with("226"), "{stored}");
            let close = format!("SITE PARTS CLOSE {algorithm} {told}");
            user.check(&close, reply).await;
            assert_eq!(site.home().join("f").exists(), reply == "250");
            // There is nothing more to close.
            user.check("SITE PARTS CLOSE", "550").await;
        }
        assert_eq!(site.read("f"), bytes());
        user.check("DELE f", "250").await;
    }
    assert_eq!(names(&site), ["g"]);
}

#[tokio::test]
async fn what_is_not_whole_is_not_closed_and_a_part_that_failed_may_come_again() {
    let site = Site::start().await;
    let mut user = site.user().await;
    open(&mut user, "f").await;
    user.check("SITE PARTS CLOSE", "451").await;
    // The source ends early.
    user.check("RANG 0 199999", "350").await;
    let short = user.send("STOR f", &bytes()[..150_000]).await;
    assert!(short.starts_with("451 Fewer octets came"), "{short}");
    // The source goes on too long.
    user.check("RANG 0 199999", "350").await;
    let long = user.send("STOR f", &bytes()[..200_001]).await;
    assert!(long.starts_with("552"), "{long}");
    for (first, end, reply) in [
        (0, 200_000, "226"),
        (0, 10, "450"),
        (199_999, 200_001, "450"),
        (200_000, SIZE + 1, "554"),
        (200_000, SIZE - 1, "226"),
    ] {
        user.check(&format!("RANG {first} {}", end - 1), "350")
            .await;
        let bytes = [bytes(), vec![0; 2]].concat();
        let stored = user.send("STOR f", &bytes[first..end]).await;
        assert!(stored.starts_with(reply), "{first} {end}: {stored}");
    }
    user.check("SITE PARTS CLOSE", "451").await;
    let last = part(&mut user, "f", SIZE - 1, SIZE).await;
    assert!(last.starts_with("226"), "{last}");
    user.check("SITE PARTS CLOSE", "250").await;
    assert_eq!(site.read("f"), bytes());
    assert_eq!(names(&site), ["f"]);
}

/// A part that ends before its end counts for nothing, however it ends, and is free at once: by the
/// reply to it, what it held may be stored again.
#[tokio::test]
async fn a_part_that_is_cut_off_may_come_again_at_once() {
    for end in ["ABOR", "reset", "closed", "QUIT"] {
        let site = Site::start().await;
        let mut owner = site.user().await;
        let key = open(&mut owner, "f").await;
        let (mut other, data) = half_a_part(&site, &key).await;
        let size = format!("SITE PARTS SIZE {key}");
        // Nobody else stores there meanwhile.
        let twice = part(&mut owner, "f", 0, SIZE).await;
        assert!(twice.starts_with("450"), "{end}: {twice}");
        if end == "reset" {
            let now = Some(Duration::ZERO);
            SockRef::from(&data).set_linger(now).unwrap();
        } else if end != "closed" {
            other.say(end).await;
        }
        // After QUIT a transfer finishes first (RFC 959), and this one comes to too little.
        if end != "ABOR" {
            drop(data);
        }
        let reply = other.reply().await;
        assert!(reply.starts_with('4'), "{end}: {reply}");
        owner.check(&size, "213 0").await;
        owner.check("SITE PARTS CLOSE", "451").await;
        let stored = part(&mut owner, "f", 0, SIZE).await;
        assert!(stored.starts_with("226"), "{end}: {stored}");
        owner.check("SITE PARTS CLOSE", "250").await;
        assert_eq!(site.read("f"), bytes());
        assert_eq!(names(&site), ["f"], "{end}");
    }
}

#[tokio::test]
async fn a_file_of_parts_is_of_one_name_and_one_user() {
    let site = Site::start().await;
    let mut user = site.user().await;
    let key = open(&mut user, "f").await;
    let other = part(&mut user, "g", 0, SIZE).await;
    assert!(other.starts_with("550"), "{other}");
    let mut bob = site.logged_in("bob").await;
    bob.check(&format!("SITE PARTS JOIN {key}"), "550").await;
    bob.check(&format!("SITE PARTS SIZE {key}"), "550").await;
    bob.check("SITE PARTS CLOSE", "550").await;
    bob.check("SITE PARTS OPEN 5 f", "550").await;
    user.check("SITE PARTS JOIN 0000000000000000", "550").await;
    user.check(&format!("SITE PARTS JOIN {key}"), "200").await;
    // Without RANG it is a file of its own; with a name of its own, too.
    let plain = user.send("STOR f", b"plain").await;
    assert!(plain.starts_with("226"), "{plain}");
    assert_eq!(site.read("f"), b"plain");
    let stored = part(&mut user, "f", 0, SIZE).await;
    assert!(stored.starts_with("226"), "{stored}");
    assert_eq!(site.read("f"), b"plain");
    user.check("SITE PARTS CLOSE", "250").await;
    assert_eq!(site.read("f"), bytes());
}

/// Whatever ends it: the file that was there stays, and of the other nothing is left, though a
/// part of it still runs.
#[tokio::test]
async fn when_the_session_that_opened_it_lets_go_nothing_is_left() {
    for end in [
        "SITE PARTS DROP",
        "SITE PARTS OPEN 5 g",
        "QUIT",
        "USER bob",
        "",
    ] {
        let site = Site::start().await;
        site.put("f", b"old");
        let mut owner = site.user().await;
        let key = open(&mut owner, "f").await;
        let (mut other, mut data) = half_a_part(&site, &key).await;
        match end {
            "" => drop(owner),
            "SITE PARTS OPEN 5 g" => {
                owner.check(end, "200").await;
                owner.check("SITE PARTS DROP", "200").await;
            }
            end => {
                owner.say(end).await;
                owner.reply().await;
                if end == "USER bob" {
                    owner.check("PASS secret", "230").await;
                }
            }
        }
        until_names_are(&site, &["f"]).await;
        data.write_all(&bytes()[100_000..200_000]).await.ok();
        data.shutdown().await.ok();
        let reply = other.reply().await;
        assert!(reply.starts_with('4'), "{end}: {reply}");
        other.check(&format!("SITE PARTS SIZE {key}"), "550").await;
        assert_eq!(site.read("f"), b"old", "{end}");
        assert_eq!(names(&site), ["f"], "{end}");
    }
}

#[tokio::test]
async fn a_file_of_parts_keeps_the_bounds_of_its_user() {
    let site = Site::with(|config| {
        for user in &mut config.roll.users {
            user.account.bounds.max_file_size = Some(SIZE as u64);
            user.account.bounds.quota = Some(SIZE as u64 + 100);
        }
    })
    .await;
    site.put("g", &[0; 200]);
    let mut user = site.user().await;
    let larger = format!("SITE PARTS OPEN {} f", SIZE + 1);
    user.check(&larger, "552").await;
    let whole = format!("SITE PARTS OPEN {SIZE} f");
    user.check(&whole, "452").await;
    std::fs::remove_file(site.home().join("g")).unwrap();
    // A full home is not counted anew at once.
    let waiting = async { while !user.ask(&whole).await.starts_with("200") {} };
    let waited = timeout(Duration::from_secs(30), waiting).await;
    assert!(waited.is_ok(), "there is room again");
    let stored = part(&mut user, "f", 0, SIZE).await;
    assert!(stored.starts_with("226"), "{stored}");
    user.check("SITE PARTS CLOSE", "250").await;
    assert_eq!(site.read("f"), bytes());
}
