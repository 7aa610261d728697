//! HASH, the X commands and RANG: octets counted, hashed and moved in part.

use thirdhost_server::store::UploadPolicy;
use tokio::io::AsyncWriteExt as _;

use crate::support::{Site, User};

const OF_DIGITS: [(&str, &str); 6] = [
    (
        "SHA-256",
        "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882",
    ),
    (
        "SHA-512",
        "bb96c2fc40d2d54617d6f276febe571f623a8dadf0b734855299b0e107fda32c\
         f6b69f2da32b36445d73690b93cbd0f7bfc20e0f7f28553d2a4428f23b716e90",
    ),
    ("SHA-1", "87acec17cd9dcd20a716cc2cf67417b71c8a7016"),
    ("MD5", "781e5e245d69b566979b86e28d23f2c7"),
    ("CRC32", "a684c7c6"),
    // Its vector is in the unit test of the algorithms.
    ("BLAKE3", ""),
];

#[tokio::test]
async fn every_algorithm_of_feat_is_computed() {
    let site = Site::start().await;
    site.put("a b", b"0123456789");
    let mut user = site.user().await;
    let features = user.ask("FEAT").await;
    let line = "\n HASH SHA-256*;SHA-512;SHA-1;MD5;CRC32;BLAKE3\n";
    assert!(features.contains(line), "{features}");
    for (name, digest) in OF_DIGITS {
        user.check(&format!("OPTS HASH {name}"), &format!("200 {name}"))
            .await;
        let reply = user.ask("HASH a b").await;
        assert!(
            reply.starts_with(&format!("213 {name} 0-10 {digest}")),
            "{reply}"
        );
        assert!(reply.ends_with(" a b"), "{reply}");
    }
    for (code, name) in [
        ("XCRC", "CRC32"),
        ("XMD5", "MD5"),
        ("XSHA", "SHA-1"),
        ("XSHA1", "SHA-1"),
        ("XSHA256", "SHA-256"),
        ("XSHA512", "SHA-512"),
    ] {
        let digest = OF_DIGITS
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap()
            .1;
        let reply = format!("213 {}", digest.to_ascii_uppercase());
        for argument in ["a b", "\"a b\"", "a b 0 10", "\"a b\" 0 10"] {
            assert_eq!(user.ask(&format!("{code} {argument}")).await, reply);
        }
    }
    user.check("XCRC a b 1 10", "213 CBF43926").await;
}

#[tokio::test]
async fn what_is_no_file_has_no_hash() {
    let site = Site::start().await;
    std::fs::create_dir(site.home().join("d")).unwrap();
    site.put("empty", b"");
    let mut user = site.user().await;
    user.check("HASH d", "553").await;
    user.check("HASH missing", "550").await;
    user.check("XCRC missing 0 5", "550").await;
    user.check("OPTS HASH CRC32", "200 CRC32").await;
    user.check("HASH empty", "213 CRC32 0-0 00000000 empty")
        .await;
    user.check("RANG 1 5", "350").await;
    user.check("HASH empty", "554").await;
}

#[tokio::test]
async fn a_range_of_a_file_is_hashed_and_sent() {
    let site = Site::start().await;
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_be_bytes).collect();
    site.put("f", &bytes);
    let mut user = site.user().await;
    for (first, last) in [(0, 0), (5, 9), (100_000, 1_100_000), (1_199_999, 5_000_000)] {
        user.check(&format!("RANG {first} {last}"), "350").await;
        let (sent, reply) = user.fetch("RETR f").await;
        assert!(reply.starts_with("226"), "{reply}");
        let end = bytes.len().min(last + 1);
        assert!(
            sent == bytes[first..end],
            "{first} to {last}: {} octets",
            sent.len()
        );
    }
    user.check("MODE B", "200").await;
    user.check("RANG 5 9", "350").await;
    let mut connection = user.passive().await;
    user.check("RETR f", "150 Beginning the transfer (5 bytes)")
        .await;
    user.check("MODE S", "250").await;
    let mut wire = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut connection, &mut wire)
        .await
        .unwrap();
    assert_eq!(wire, [&[0x40, 0, 5][..], &bytes[5..10]].concat());
    assert!(user.reply().await.starts_with("200"));
    let (all, _) = user.fetch("RETR f").await;
    assert!(all == bytes, "the range holds for one command");
}

#[tokio::test]
async fn parts_of_a_file_are_received_in_order_and_none_is_cut_off() {
    for policy in [UploadPolicy::Whole, UploadPolicy::Resumable] {
        let site = Site::storing(policy).await;
        parts_are_received(&site, &mut site.user().await).await;
    }
}

async fn parts_are_received(site: &Site, user: &mut User) {
    for (line, verb, bytes, reply, stored) in [
        ("RANG 0 4", "STOR f", "01234", "226", "01234"),
        ("RANG 5 9", "STOR f", "56789", "226", "0123456789"),
        ("RANG 8 9", "APPE f", "xy", "226", "01234567xy"),
        ("RANG 2 3", "STOR f", "zz", "504", "01234567xy"),
        ("RANG 10 11", "STOR f", "too long", "552", "01234567xy"),
        ("RANG 50 60", "STOR f", "gap", "554", "01234567xy"),
        ("RANG 8 9", "STOR f", "z", "451 Fewer", "01234567xy"),
        ("RANG 0 9", "STOR f", "", "451 Fewer", "01234567xy"),
        ("RANG 8 9", "STOR f", "ab", "226", "01234567ab"),
        ("RANG 10 19", "STOR f", "c", "451 Fewer", "01234567ab"),
        ("RANG 2 9", "STOR f", "z", "451 Fewer", "01234567ab"),
    ] {
        user.check(line, "350").await;
        let said = user.send(verb, bytes.as_bytes()).await;
        assert!(said.starts_with(reply), "{line}: {said}");
        assert_eq!(site.read("f"), stored.as_bytes(), "{line}");
    }
}

/// What comes for a range is of the file that is there, and never of another that had its name.
#[tokio::test]
async fn a_range_that_failed_is_mixed_into_no_other_file() {
    let site = Site::start().await;
    site.put("f", b"01234567xy");
    site.put("g", b"ABCDEFGHij");
    let mut user = site.user().await;
    user.check("RANG 8 9", "350").await;
    assert!(user.send("STOR f", b"z").await.starts_with("451"));
    let told = user.ask("MLST f").await;
    assert!(!told.contains("X.partial"), "{told}");
    user.check("DELE f", "250").await;
    user.check("RNFR g", "350").await;
    user.check("RNTO f", "250").await;
    user.check("RANG 8 9", "350").await;
    assert!(user.send("STOR f", b"kl").await.starts_with("226"));
    assert_eq!(site.read("f"), b"ABCDEFGHkl");
}

/// The octets before a range were copied when it began.
#[tokio::test]
async fn a_range_does_not_take_the_place_of_what_came_since() {
    let site = Site::start().await;
    site.put("f", b"0123");
    let (mut user, mut other) = (site.user().await, site.user().await);
    user.check("RANG 4 5", "350").await;
    let mut connection = user.passive().await;
    user.check("STOR f", "150").await;
    assert!(other.send("APPE f", b"abc").await.starts_with("226"));
    connection.write_all(b"45").await.unwrap();
    connection.shutdown().await.unwrap();
    let said = user.reply().await;
    assert!(said.starts_with("451 The name was taken"), "{said}");
    assert_eq!(site.read("f"), b"0123abc");
}

//= security#S-58
//= type=test
#[tokio::test]
async fn a_hash_ends_with_its_control_connection() {
    let site = Site::start().await;
    let file = std::fs::File::create(site.home().join("huge")).unwrap();
    // A sparse file: hours of hashing in an unoptimized build, and no room on the disk.
    file.set_len(60 * 1024 * 1024 * 1024).unwrap();
    site.put("f", b"x");
    let mut users = Vec::new();
    for _ in 0..thirdhost_server::limits::FILE_HASHES_AT_ONCE {
        let mut user = site.user().await;
        user.say("HASH huge").await;
        users.push(user);
    }
    let mut other = site.user().await;
    // The four take their turns in their own time.
    while !other.ask("HASH f").await.starts_with("450") {}
    drop(users);
    while other.ask("HASH f").await.starts_with("450") {}
    file.set_len(70 * 1024 * 1024 * 1024).unwrap();
    other.check("HASH huge", "556").await;
}

//= security#S-58
//= type=test
#[tokio::test]
async fn line_ends_of_sixteen_mebibytes_are_counted_and_of_no_more() {
    let site = Site::start().await;
    let file = std::fs::File::create(site.home().join("f")).unwrap();
    let mut user = site.user().await;
    for (octets, text) in [
        (16 << 20, "213 16777216"),
        ((16 << 20) + 1, "550 Too large"),
    ] {
        file.set_len(octets).unwrap();
        user.check("TYPE A", "200").await;
        user.check("SIZE f", text).await;
        user.check("TYPE I", "200").await;
        user.check("SIZE f", &format!("213 {octets}")).await;
    }
}
