//! `thirdhostd explain` and `thirdhostd user`.

use std::fs;

use crate::daemon::{Site, run, text, thirdhostd};

#[test]
fn explain_tells_each_value_with_its_origin_and_no_hash() {
    let site = Site::new(
        "drain_seconds = 7\n[log]\nlevel = \"debug\"\n[metrics]\nbeyond_loopback = true",
        "{ send_to = [\"127.0.0.2/32\"] }",
    );
    let told = run(
        thirdhostd()
            .args(["explain", "--listen", "127.0.0.1:2199", "--config"])
            .arg(site.configuration()),
        "",
    );
    assert!(told.status.success(), "{told:?}");
    let told = String::from_utf8(told.stdout).unwrap();
    let file = site.configuration().display().to_string();
    let users = site.path("etc/users.toml").display().to_string();
    for line in [
        "listen = [\"127.0.0.1:2199\"]  # --listen".to_owned(),
        format!("drain_seconds = 7  # {file}:4"),
        "uploads = \"whole\"  # default".to_owned(),
        format!("log.level = \"debug\"  # {file}:6"),
        "log.format = \"text\"  # default".to_owned(),
        format!("metrics.beyond_loopback = true  # {file}:8"),
        "user.\"alice\".home = \"alice\"  # default".to_owned(),
        format!("user.\"alice\".password = \"(set)\"  # {users}:3"),
        format!(
            "user.\"alice\".third_party = {{ privileged_ports = [], receive_from = [], \
             send_to = [\"127.0.0.2/32\"] }}  # {users}:5"
        ),
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
    assert!(!told.contains("$argon2"), "{told}");
}

#[test]
fn users_are_listed_and_removed_and_the_rest_of_the_file_stays() {
    let site = Site::new("", "");
    let users = site.path("etc/users.toml");
    let written = text(&users);
    let more = format!("# kept\n{written}\n# of bob\n[[user]]\nname = \"bob\"\nhome = \"b\"\n");
    fs::write(&users, more).unwrap();
    let user = |arguments: &[&str]| {
        run(
            thirdhostd()
                .arg("user")
                .args(arguments)
                .arg("--users")
                .arg(&users),
            "",
        )
    };
    let listed = user(&["list"]);
    assert_eq!(
        String::from_utf8(listed.stdout).unwrap(),
        "alice\talice\tpassword\tread,write,append,delete,rename,mkdir\t-\n\
         bob\tb\tno-password\tread\t-\n"
    );
    assert!(user(&["remove", "bob"]).status.success());
    let left = text(&users);
    assert!(
        left.starts_with("# kept\n") && left.contains("$argon2id$"),
        "{left}"
    );
    assert!(!left.contains("bob\""), "{left}");
    let unknown = user(&["remove", "bob"]);
    assert_eq!(unknown.status.code(), Some(2));
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(said.contains("there is no user \"bob\""), "{said}");
}
