//! The binary thirdhost: a move never removes the only copy.

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::support::site::SECRET;
use crate::support::thirdhostd::{self, Thirdhostd};

#[test]
fn mv_between_two_users_of_one_file_keeps_it() {
    let (root, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let there = root.path().join("there");
    fs::write(&there, "the only copy").unwrap();
    let file = config.path().join("thirdhostd.toml");
    fs::write(&file, two_users_of(root.path())).unwrap();
    let daemon = Thirdhostd::start(&[Path::new("--config"), &file]);

    let place = |user: &str| format!("ftp://{user}@{}/there", daemon.address);
    let output = thirdhostd::client()
        .args(["mv", &place("alice"), &place("bob")])
        .env("THIRDHOST_PASSWORD_127_0_0_1", "secret")
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("both places are on the server at"), "{said}");
    assert_eq!(fs::read(&there).unwrap(), b"the only copy");
}

#[test]
fn mv_of_a_file_here_onto_itself_through_a_server_keeps_it() {
    let (root, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let there = root.path().join("there");
    fs::write(&there, "the only copy").unwrap();
    let file = config.path().join("thirdhostd.toml");
    fs::write(&file, two_users_of(root.path())).unwrap();
    let daemon = Thirdhostd::start(&[Path::new("--config"), &file]);

    let output = thirdhostd::client()
        .arg("mv")
        .arg(&there)
        .arg(format!("ftp://alice@{}/there", daemon.address))
        .env("THIRDHOST_PASSWORD_127_0_0_1", "secret")
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(said.contains("one and the same"), "{said}");
    assert_eq!(fs::read(&there).unwrap(), b"the only copy");
}

#[test]
fn two_files_of_one_name_go_into_one_directory_neither_by_mv_nor_by_cp() {
    let world = World::with(&[("a/f", "one of them"), ("b/f", "the other one")]);
    for (verb, sources) in [
        ("mv", &["*/f"][..]),
        ("cp", &["a/f", "b/f"]),
        ("cp", &["a/*", "b/*"]),
    ] {
        let output = world.typed(verb, sources);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{sources:?} {said}");
        let one_name = " and b/f at 127.0.0.2:";
        assert!(
            said.contains(one_name) && said.contains(" would both become f; "),
            "{sources:?} {said}"
        );
        let read = |name: &str| fs::read(world.one.path().join(name)).unwrap();
        assert_eq!(read("a/f"), b"one of them");
        assert_eq!(read("b/f"), b"the other one");
        assert!(!world.two.path().join("f").exists(), "{sources:?}");
    }
}

#[test]
fn all_that_several_patterns_and_names_mean_is_copied() {
    let world = World::with(&[("a1", "a1"), ("a2", "a2"), ("b1", "b1"), ("d/e", "e")]);
    let output = world.typed("cp", &["a*", "b*", "d/e"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for (name, text) in [("a1", "a1"), ("a2", "a2"), ("b1", "b1"), ("e", "e")] {
        assert_eq!(
            fs::read(world.two.path().join(name)).unwrap(),
            text.as_bytes()
        );
    }
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("4 files"), "{said}");
}

/// Two servers, and files at the first.
struct World {
    one: TempDir,
    two: TempDir,
    _configuration: TempDir,
    servers: [Thirdhostd; 2],
}

impl World {
    fn with(files: &[(&str, &str)]) -> Self {
        let [one, two, configuration] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = one.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let servers = [("127.0.0.2", &one), ("127.0.0.3", &two)].map(|(host, root)| {
            let configuration = configuration.path().join(host);
            fs::create_dir(&configuration).unwrap();
            Thirdhostd::for_alice(host, root.path(), &configuration)
        });
        Self {
            one,
            two,
            _configuration: configuration,
            servers,
        }
    }

    /// From the first server into the second one's root.
    fn typed(&self, verb: &str, sources: &[&str]) -> Output {
        let [from, to] = self
            .servers
            .each_ref()
            .map(|server| format!("ftp://alice@{}/", server.address));
        thirdhostd::client()
            .arg(verb)
            .args(sources.iter().map(|source| format!("{from}{source}")))
            .arg(to)
            .env("THIRDHOST_PASSWORD_127_0_0_2", "secret")
            .env("THIRDHOST_PASSWORD_127_0_0_3", "secret")
            .output()
            .unwrap()
    }
}

fn two_users_of(root: &Path) -> String {
    let user = |name: &str| {
        format!(
            r#"[[user]]
name = "{name}"
password = "{SECRET}"
home = "."
permissions = ["read", "write", "delete"]
"#
        )
    };
    let root = root.display();
    let (alice, bob) = (user("alice"), user("bob"));
    format!("listen = [\"127.0.0.1:0\"]\nroot = \"{root}\"\n{alice}{bob}")
}
