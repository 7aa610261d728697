//! What may be done where.

use std::sync::Arc;

use thirdhost_server::store::{MemoryStore, Store};

use crate::client::{User, path, read, start};
use crate::clock::{self, Hand};

//= security#S-29
//= type=test
#[tokio::test]
async fn anonymous_may_have_a_directory_to_leave_files_in_and_read_none_back() {
    let files = Arc::new(MemoryStore::new());
    files.make_directory(&path("/incoming")).await.unwrap();
    let config =
        "[anonymous]\n[[anonymous.path]]\nprefix = \"/incoming\"\npermissions = [\"write\"]";
    let (_server, address) = start(config, Arc::clone(&files));
    let mut user = User::log_in(address).await;

    assert_eq!(user.send("STOR f", b"no").await, ["550"]);
    assert_eq!(user.send("STOR /incoming/f", b"left").await, ["150", "226"]);
    user.check("CWD /incoming", "250").await;
    assert_eq!(user.send("STOU g", b"left too").await, ["150", "226"]);
    assert_eq!(read(&files, "/incoming/f").await.unwrap(), b"left");
    assert_eq!(read(&files, "/incoming/g").await.unwrap(), b"left too");

    for command in [
        "RETR f",
        "RETR /incoming/f",
        "LIST",
        "NLST /incoming",
        "MLSD",
        "LIST -a /incoming",
    ] {
        let (codes, bytes) = user.receive(command).await;
        assert_eq!(
            (codes, bytes),
            (vec!["550".to_owned()], Vec::new()),
            "{command}"
        );
    }
    for command in [
        "SIZE f",
        "MDTM f",
        "MLST f",
        "MLST",
        "STAT f",
        "STAT /incoming",
        "DELE f",
        "RNFR f",
        "RNFR /incoming",
        "MKD d",
        "RMD /incoming",
    ] {
        user.check(command, "550").await;
    }
    assert_eq!(user.send("APPE f", b"no").await, ["550"]);

    let (_, listing) = user.receive("MLSD /").await;
    let listing = String::from_utf8(listing).unwrap();
    assert!(
        listing.contains("perm=ce;") && listing.ends_with(" incoming\r\n"),
        "{listing}"
    );
}

//= security#S-29
//= type=test
#[tokio::test]
async fn anonymous_is_let_in_where_the_operator_says_so_and_then_reads_alone() {
    let files = || Arc::new(MemoryStore::new());
    let clock = Hand::new();
    let (_server, address) = clock::start("", files(), &clock);
    for name in ["anonymous", "ftp"] {
        let (mut user, _) = User::connect(address).await;
        user.check(&format!("USER {name}"), "331").await;
        user.say("PASS me@example.org").await;
        clock.until_awaited(1.0).await;
        clock.advance(1.0625);
        let said = user.reply().await;
        assert!(said.starts_with("530"), "{said}");
        clock.advance(3_600.0);
    }
    let (_server, address) = start("[anonymous]", files());
    let mut user = User::log_in(address).await;
    for command in ["STOR f", "APPE f", "STOU"] {
        assert_eq!(user.send(command, b"no").await, ["550"], "{command}");
    }
    for command in [
        "MKD d",
        "RMD d",
        "DELE f",
        "RNFR f",
        "MFMT 20200102030405 f",
        "MFF UNIX.mode=600; f",
        "SITE CHMOD 600 f",
        "SITE UTIME 20200102030405 f",
        "SITE WHO",
        "SITE IDLE 5",
        "SITE SYMLINK a b",
    ] {
        user.check(command, "550").await;
    }
    user.check("SITE HELP", "214").await;
    let (codes, _) = user.receive("MLSD").await;
    assert_eq!(codes, ["150", "226"]);
}
