//! The binary thirdhost and the binary thirdhostd, under TLS.

use std::fs;

use crate::support::secret::{Server, User, said};

#[test]
fn files_go_both_ways_under_tls_and_the_certificate_is_known_from_then_on() {
    let server = Server::start(
        "127.0.0.1",
        "require = \"data\"\nsession_reuse = \"require\"",
    );
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
    let (before, user) = (Server::start("127.0.0.1", ""), User::new());
    let place = before.place("ftpes", "");
    assert!(user.run(&["--accept-new", "ls", &place]).status.success());
    let after = before.replaced();
    let output = user.run(&["--accept-new", "ls", &place]);
    assert_eq!(output.status.code(), Some(6), "{}", said(&output));
    for part in [&after.fingerprint, "has changed", "known_servers"] {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
}

#[test]
fn a_site_may_name_its_certificate_or_its_authority() {
    let (server, user) = (Server::start("127.0.0.1", ""), User::new());
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
