//! MFMT, MFF, MDTM that sets, and SITE: what may be changed about a file that is there.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::support::Site;

#[tokio::test]
async fn times_and_modes_are_set_and_told() {
    let site = Site::start().await;
    site.put("f", b"x");
    std::fs::create_dir(site.home().join("d")).unwrap();
    let metadata = |name: &str| std::fs::metadata(site.home().join(name)).unwrap();
    let accessed = metadata("f").atime();
    let mut user = site.user().await;
    for (line, reply, name, seconds) in [
        (
            "MFMT 20200102030405 f",
            "213 Modify=20200102030405; f",
            "f",
            1_577_934_245,
        ),
        (
            "MFMT 19691231235958.5 f",
            "213 Modify=19691231235958.5; f",
            "f",
            -2,
        ),
        (
            "MFF Modify=20010101000000; f",
            "213 Modify=20010101000000; f",
            "f",
            978_307_200,
        ),
        ("SITE UTIME 202001020304 f", "200", "f", 1_577_934_240),
        (
            "SITE UTIME f 20010101000000 20200102030405 20010101000000 UTC",
            "200",
            "f",
            1_577_934_245,
        ),
        (
            "MFMT 20200102030405 d",
            "213 Modify=20200102030405; d",
            "d",
            1_577_934_245,
        ),
    ] {
        user.check(line, reply).await;
        assert_eq!(metadata(name).mtime(), seconds, "{line}");
    }
    user.check("MDTM f", "213 20200102030405").await;
    assert_eq!(metadata("f").atime(), accessed);

    let mode = |name: &str| metadata(name).permissions().mode() & 0o7777;
    for (line, reply, expected) in [
        ("SITE CHMOD 600 f", "200", 0o600),
        ("MFF UNIX.mode=0640; f", "213 UNIX.mode=0640; f", 0o640),
        ("SITE CHMOD 4755 f", "504", 0o640),
        ("MFF UNIX.mode=600;Create=20200102030405; f", "504", 0o640),
        ("SITE CHMOD 000 f", "200", 0),
        ("SITE CHMOD 644 f", "200", 0o644),
    ] {
        user.check(line, reply).await;
        assert_eq!(mode("f"), expected, "{line}");
    }
    user.check("SITE CHMOD 700 d", "200").await;
    assert_eq!(mode("d"), 0o700);
    user.check("SITE CHMOD 700 /", "550").await;
    user.check("MFMT 20200102030405 missing", "550").await;
    user.check("MFCT 20200102030405 f", "502").await;
}

#[tokio::test]
async fn whoever_may_not_write_changes_nothing() {
    let site = Site::start().await;
    site.put("f", b"x");
    let before = std::fs::metadata(site.home().join("f")).unwrap();
    let mut bob = site.logged_in("bob").await;
    for line in [
        "MFMT 20200102030405 f",
        "MFF UNIX.mode=600; f",
        "SITE CHMOD 600 f",
        "SITE UTIME 20200102030405 f",
    ] {
        bob.check(line, "550").await;
    }
    let after = std::fs::metadata(site.home().join("f")).unwrap();
    assert_eq!(
        (before.mode(), before.mtime()),
        (after.mode(), after.mtime())
    );
}

#[tokio::test]
async fn mdtm_sets_where_the_operator_lets_it() {
    for (sets, reply) in [(true, "213 Modify=20200102030405; f"), (false, "550")] {
        let site = Site::with(|config| config.mdtm_set = sets).await;
        site.put("f", b"x");
        let mut user = site.user().await;
        user.check("MDTM 20200102030405 f", reply).await;
        site.put("20200102030405 f", b"x");
        let told = user.ask("MDTM 20200102030405 f").await;
        assert!(told.starts_with("213 2"), "{told}");
    }
}

#[tokio::test]
async fn operators_see_who_is_here() {
    let site = Site::start().await;
    let mut bob = site.logged_in("bob").await;
    let mut alice = site.user().await;
    let stranger = site.caller().await;
    let who = alice.ask("SITE WHO").await;
    for line in [
        "\n bob from 127.0.0.1:",
        "\n alice from",
        "\n (not logged in) from",
    ] {
        assert!(who.contains(line), "{line}: {who}");
    }
    bob.check("SITE WHO", "550").await;
    bob.check("QUIT", "221").await;
    drop(stranger);
    alice.check("SITE HELP", "214").await;
    alice.check("SITE SYMLINK a b", "502").await;
    alice.check("SITE EXEC ls", "500").await;
    alice
        .check("SITE IDLE 10", "200 The session ends after 10")
        .await;
}
