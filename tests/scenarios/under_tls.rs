//! The binary thirdhost and the binary thirdhostd, under TLS.

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::support::site::SECRET;
use crate::support::thirdhostd::{self, Thirdhostd};

#[test]
fn files_go_both_ways_under_tls_and_the_certificate_is_known_from_then_on() {
    let server = Server::start("require = \"data\"\nsession_reuse = \"require\"");
    for scheme in ["ftpes", "ftps"] {
        let user = User::new();
        let place = |name: &str| server.place(scheme, name);
        let first = user.run(&["ls", &place("")]);
        assert_eq!(first.status.code(), Some(6), "{}", said(&first));
        assert!(
            said(&first).contains(&server.fingerprint),
            "{}",
            said(&first)
        );
        assert!(said(&first).contains("--accept-new"), "{}", said(&first));

        let octets: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
        user.put("local", &octets);
        let stored = user.run(&["--accept-new", "put", "local", &place("x")]);
        assert!(stored.status.success(), "{}", said(&stored));
        assert!(said(&stored).contains("is new here"), "{}", said(&stored));
        assert_eq!(fs::read(server.root.path().join("x")).unwrap(), octets);

        let fetched = user.run(&["get", &place("x"), "back"]);
        assert!(fetched.status.success(), "{}", said(&fetched));
        assert_eq!(
            fs::read(user.directory.path().join("back")).unwrap(),
            octets
        );
        let listed = user.run(&["ls", &place("")]);
        assert!(String::from_utf8_lossy(&listed.stdout).contains(" x\n"));

        // Four files, each with a data connection that has to resume a TLS session.
        for name in ["1", "2", "3", "4"] {
            user.put(&format!("tree/{name}"), name.as_bytes());
        }
        let copied = user.run(&["cp", "-r", "tree", &place("there")]);
        assert!(copied.status.success(), "{}", said(&copied));
        let back = user.run(&["cp", "-r", &place("there"), "again"]);
        assert!(back.status.success(), "{}", said(&back));
        assert!(user.run(&["rm", &place("x")]).status.success());
        for name in ["1", "2", "3", "4"] {
            let file = user.directory.path().join("again").join(name);
            assert_eq!(fs::read(file).unwrap(), name.as_bytes());
        }
        fs::remove_dir_all(server.root.path().join("there")).unwrap();
    }
}

#[test]
fn a_changed_certificate_stops_and_says_both_fingerprints() {
    let (before, user) = (Server::start(""), User::new());
    let place = before.place("ftpes", "");
    assert!(user.run(&["--accept-new", "ls", &place]).status.success());
    let after = Server::at(before.daemon.address.port(), before, "");
    let output = user.run(&["--accept-new", "ls", &place]);
    assert_eq!(output.status.code(), Some(6), "{}", said(&output));
    for part in [&after.fingerprint, "has changed", "known_servers"] {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
}

#[test]
fn a_site_may_name_its_certificate_or_its_authority() {
    let (server, user) = (Server::start(""), User::new());
    let host = server.daemon.address.to_string();
    let ca = server.tls.path().join("server.pem");
    let add = |name: &str, more: &[&str]| {
        let arguments = [&["site", "add", name, &host, "--user", "alice"], more].concat();
        assert!(user.run(&arguments).status.success());
    };
    add("pinned", &["--fingerprint", &server.fingerprint]);
    add("wrong", &["--fingerprint", &"00".repeat(32)]);
    add(
        "vouched",
        &["--tls", "explicit", "--ca-file", ca.to_str().unwrap()],
    );
    for (place, expected) in [("pinned:", 0), ("wrong:", 6), ("vouched:", 0)] {
        let output = user.run(&["-v", "ls", place]);
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{place} {}",
            said(&output)
        );
        // A pin means TLS, on loopback too; nothing is said to who fails it.
        assert!(said(&output).contains("> AUTH TLS"), "{}", said(&output));
        assert_eq!(
            said(&output).contains("> USER"),
            expected == 0,
            "{}",
            said(&output)
        );
    }
}

/// A thirdhostd with a certificate of its own.
struct Server {
    daemon: Thirdhostd,
    implicit: u16,
    fingerprint: String,
    root: TempDir,
    tls: TempDir,
}

impl Server {
    fn start(tls: &str) -> Self {
        Self::over(tempfile::tempdir().unwrap(), 0, tls)
    }

    /// In the place of another, with a new certificate.
    fn at(port: u16, old: Self, tls: &str) -> Self {
        let Self { daemon, root, .. } = old;
        drop(daemon);
        Self::over(root, port, tls)
    }

    fn over(root: TempDir, port: u16, more: &str) -> Self {
        let tls = tempfile::tempdir().unwrap();
        let out = tls.path().to_str().unwrap();
        let made = ["tls", "self-signed", "--out", out, "--name", "127.0.0.1"];
        let made = thirdhostd::run(&made, "");
        let printed = String::from_utf8(made.stdout).unwrap();
        let fingerprint = printed.trim().strip_prefix("SHA-256 ").unwrap().to_owned();
        let file = tls.path().join("thirdhostd.toml");
        let text = format!(
            "listen = [\"127.0.0.1:{port}\"]\nroot = {:?}\n[tls]\ncertificate = \"server.pem\"\n\
             key = \"server.key\"\nimplicit_listen = [\"127.0.0.1:0\"]\n{more}\n\
             [[user]]\nname = \"alice\"\npassword = \"{SECRET}\"\nhome = \".\"\n\
             permissions = [\"read\", \"write\", \"append\", \"delete\", \"rename\", \"mkdir\"]\n",
            root.path()
        );
        fs::write(&file, text).unwrap();
        let daemon = Thirdhostd::start(&[Path::new("--config"), &file]);
        let implicit = daemon.next_address().port();
        Self {
            daemon,
            implicit,
            fingerprint,
            root,
            tls,
        }
    }

    fn place(&self, scheme: &str, name: &str) -> String {
        let port = match scheme {
            "ftps" => self.implicit,
            _ => self.daemon.address.port(),
        };
        format!("{scheme}://alice@127.0.0.1:{port}/{name}")
    }
}

/// Somebody with a directory and a configuration of their own.
struct User {
    directory: TempDir,
}

impl User {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn put(&self, name: &str, octets: &[u8]) {
        let file = self.directory.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, octets).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        thirdhostd::client()
            .args(arguments)
            .current_dir(self.directory.path())
            .env("XDG_CONFIG_HOME", self.directory.path().join("config"))
            .env("THIRDHOST_PASSWORD_127_0_0_1", "secret")
            .env("THIRDHOST_PASSWORD_PINNED", "secret")
            .env("THIRDHOST_PASSWORD_VOUCHED", "secret")
            .env("THIRDHOST_PASSWORD_WRONG", "secret")
            .output()
            .unwrap()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
