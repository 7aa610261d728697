//! `cargo xtask sandbox`: the server's confinement, tried from inside.

use std::fs;

use crate::step::Step;
use crate::tree;

/// Write a configuration, then let thirdhostd confine itself to it and try. Left out where there
/// is nothing of the kind.
pub(crate) fn steps() -> Vec<Step> {
    if !cfg!(target_os = "linux") {
        eprintln!("sandbox: left out: only Linux has Landlock and seccomp");
        return Vec::new();
    }
    vec![Step::own("sandbox", write), Step::cargo("sandbox", RUN)]
}

fn write() -> Result<(), String> {
    let directory = tree::root().join("target/sandbox");
    let written = fs::create_dir_all(directory.join("etc"))
        .and_then(|()| fs::create_dir_all(directory.join("root/alice")))
        .and_then(|()| fs::create_dir_all(directory.join("log")))
        .and_then(|()| fs::write(directory.join("etc/thirdhostd.toml"), CONFIGURATION));
    written.map_err(|error| format!("{}: {error}", directory.display()))
}

const RUN: &str = "run --quiet --package thirdhost-server --bin thirdhostd -- \
                   sandbox --check --config target/sandbox/etc/thirdhostd.toml";

/// A user who may meet nearly everybody: what remains forbidden is so for all.
const CONFIGURATION: &str = r#"listen = ["127.0.0.1:0"]
root = "../root"

[log]
xferlog = "../log/xferlog"

[[user]]
name = "alice"
certificates = ["SHA256:0000000000000000000000000000000000000000000000000000000000000000"]
home = "alice"
permissions = ["read", "write", "append", "delete", "rename", "mkdir"]
third_party = { send_to = ["0.0.0.0/0", "::/0"], receive_from = ["0.0.0.0/0", "::/0"] }
"#;
