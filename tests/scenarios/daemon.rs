//! The binary thirdhostd: what it prints, how it is told, how it ends. Design section 4.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::support::patience::until_true;
use crate::support::peer;
use crate::support::site::USER;
use crate::support::thirdhostd::{self, Thirdhostd};
use crate::support::user::User;

#[test]
fn without_a_configuration_it_serves_a_directory_to_read() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("there"), "bytes").unwrap();
    let daemon = quick_start(root.path());
    assert_eq!(daemon.address.ip(), peer::ip(USER));
    let mut user = daemon.greeted();
    user.ask("USER anonymous", 331);
    user.ask("PASS me@example.org", 230);
    user.ask("TYPE I", 200);
    let passive = user.pasv();
    let stream = peer::call(USER, passive);
    user.ask("RETR there", 150);
    assert_eq!(peer::receive_all(stream), b"bytes");
    user.expect(226);
    for command in [
        "STOR x",
        "APPE there",
        "DELE there",
        "MKD x",
        "RNFR there",
        "STOU",
        "RMD x",
    ] {
        user.pasv();
        user.ask(command, 550);
    }
    user.ask("SOCK 127.0.0.3,5000", 504);
    assert_eq!(fs::read(root.path().join("there")).unwrap(), b"bytes");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[test]
fn check_tells_what_is_wrong_and_where() {
    let scratch = tempfile::tempdir().unwrap();
    let check = |text: &str| {
        let file = scratch.path().join("thirdhostd.toml");
        fs::write(&file, text).unwrap();
        thirdhostd::run(&[Path::new("--check"), Path::new("--config"), &file], "")
    };
    let good = check(&thirdhostd::alice("127.0.0.1", scratch.path()));
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    let root = format!("root = {:?}\n", scratch.path());
    for (lines, told) in [
        ("rot = 1\n".to_owned(), "thirdhostd.toml:2:1: "),
        (
            "uploads = \"half\"\n".to_owned(),
            "thirdhostd.toml:2:11: uploads: ",
        ),
        (
            "[data]\naccept_seconds = 1\n".to_owned(),
            "thirdhostd.toml:3:18: data.accept_seconds: ",
        ),
        (
            "[[user]]\nname = \"a\"\npassword = \"x\"\n".to_owned(),
            "thirdhostd.toml:4:12: ",
        ),
        ("listen = [\n".to_owned(), "thirdhostd.toml:"),
    ] {
        let output = check(&format!("{root}{lines}"));
        assert_eq!(output.status.code(), Some(2), "{lines}: {output:?}");
        assert!(
            stderr(&output).contains(told),
            "{lines}: {}",
            stderr(&output)
        );
        assert!(output.stdout.is_empty(), "{lines}");
    }
    for arguments in [
        &["--config", "/no/such/file"][..],
        &["--nonsense"],
        &["--listen", "here"],
    ] {
        let output = thirdhostd::run(arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn sigterm_lets_a_running_transfer_finish_and_refuses_new_sessions() {
    let (root, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut daemon = Thirdhostd::for_alice(USER, root.path(), scratch.path());
    let mut idle = daemon.greeted();
    let mut user = logged_in(&daemon);
    let x = user.lstn("R");
    user.ask("STOR stored", 150);
    daemon.signal("TERM");
    idle.expect(421);
    assert!(idle.is_closed());
    until_true("the control port is closed", || {
        peer::is_refused(daemon.address)
    });
    let to = (daemon.address.ip(), x).into();
    peer::send_all(peer::call(USER, to), b"in the nick of time");
    user.expect(226);
    user.expect(421);
    assert!(user.is_closed());
    assert_eq!(daemon.ended().code(), Some(0));
    let stored = fs::read(root.path().join("stored")).unwrap();
    assert_eq!(stored, b"in the nick of time");
}

#[test]
fn an_idle_server_ends_at_once_on_sigint() {
    let root = tempfile::tempdir().unwrap();
    let mut daemon = quick_start(root.path());
    daemon.signal("INT");
    assert_eq!(daemon.ended().code(), Some(0));
}

#[test]
fn sighup_reloads_the_users_and_a_wrong_file_changes_nothing() {
    let (root, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let daemon = Thirdhostd::for_alice(USER, root.path(), scratch.path());
    let mut before = logged_in(&daemon);
    let file = scratch.path().join("thirdhostd.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"alice\"", "\"bob\"")).unwrap();
    daemon.signal("HUP");
    daemon.until_logged("reloaded");
    let mut bob = daemon.greeted();
    bob.log_in("bob");
    let mut alice = daemon.greeted();
    alice.ask("USER alice", 331);
    alice.ask("PASS secret", 530);
    before.ask("NOOP", 200);

    fs::write(&file, "nonsense").unwrap();
    daemon.signal("HUP");
    daemon.until_logged("thirdhostd.toml:1:");
    daemon.greeted().log_in("bob");
}

#[test]
fn user_set_takes_a_password_from_stdin_and_the_server_takes_the_user() {
    let scratch = tempfile::tempdir().unwrap();
    let users = scratch.path().join("users.toml");
    let set = |name: &str, password: &str| set(&users, name, password);
    assert_eq!(set("eve", "correct horse\n").status.code(), Some(0));
    let hash = || fs::read_to_string(&users).unwrap();
    let first = hash();
    assert!(
        first.contains("$argon2id$") && !first.contains("horse"),
        "{first}"
    );
    assert_eq!(set("eve", "secret\n").status.code(), Some(0));
    assert_ne!(hash(), first);
    for (name, password) in [
        ("eve", ""),
        ("eve", "\n"),
        ("", "x\n"),
        ("anonymous", "x\n"),
    ] {
        let before = hash();
        let output = set(name, password);
        assert_eq!(output.status.code(), Some(2), "{name:?} {password:?}");
        assert!(!stderr(&output).is_empty());
        assert_eq!(hash(), before);
    }
    let file = scratch.path().join("thirdhostd.toml");
    fs::create_dir(scratch.path().join("eve")).unwrap();
    fs::write(
        &file,
        "listen = [\"127.0.0.1:0\"]\nroot = \".\"\nusers = \"users.toml\"\n",
    )
    .unwrap();
    let daemon = Thirdhostd::start(&[Path::new("--config"), &file]);
    let mut user = daemon.greeted();
    user.log_in("eve");
    user.ask("PWD", 257);
}

fn quick_start(root: &Path) -> Thirdhostd {
    let listen = Path::new("127.0.0.1:0");
    Thirdhostd::start(&[Path::new("--listen"), listen, Path::new("--root"), root])
}

fn logged_in(daemon: &Thirdhostd) -> User {
    let mut user = daemon.greeted();
    user.log_in("alice");
    user.ask("TYPE I", 200);
    user
}

fn set(users: &Path, name: &str, password: &str) -> Output {
    let words = ["user", "set", name, "--users"].map(Path::new);
    thirdhostd::run(&[&words[..], &[users]].concat(), password)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
