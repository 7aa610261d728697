//! The binary thirdhost: a move never removes the only copy.

use std::fs;
use std::path::Path;

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
fn mv_of_two_files_of_one_name_into_one_directory_moves_neither() {
    let directory = || tempfile::tempdir().unwrap();
    let (one, two, config) = (directory(), directory(), directory());
    for (below, text) in [("a", "one of them"), ("b", "the other one")] {
        fs::create_dir(one.path().join(below)).unwrap();
        fs::write(one.path().join(below).join("f"), text).unwrap();
    }
    let servers = [("127.0.0.2", &one), ("127.0.0.3", &two)].map(|(host, root)| {
        let config = config.path().join(host);
        fs::create_dir(&config).unwrap();
        Thirdhostd::for_alice(host, root.path(), &config)
    });
    let [from, to] = servers
        .each_ref()
        .map(|server| format!("ftp://alice@{}/", server.address));

    let output = thirdhostd::client()
        .args(["mv", &format!("{from}*/f"), &to])
        .env("THIRDHOST_PASSWORD_127_0_0_2", "secret")
        .env("THIRDHOST_PASSWORD_127_0_0_3", "secret")
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let one_name = " and b/f at 127.0.0.2:";
    assert!(
        said.contains(one_name) && said.contains(" would both become f; "),
        "{said}"
    );
    let read = |below: &str| fs::read(one.path().join(below).join("f")).unwrap();
    assert_eq!(read("a"), b"one of them");
    assert_eq!(read("b"), b"the other one");
    assert!(!two.path().join("f").exists());
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
