//! thirdhostd, as it comes: whole uploads, argon2id, a log line per transfer.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{PASSWORD, Recipe, USER, version};
use crate::failure::{Failure, Result, While};
use crate::stage::Stage;

pub(super) const NAME: &str = "thirdhostd";

pub(super) fn recipe(stage: &Stage, binary: &Path, at: SocketAddr) -> Result<Recipe> {
    let directory = stage.of_peer(&format!("{NAME}-{}-{}", at.ip(), at.port()))?;
    let users = directory.join("users.toml");
    add_user(binary, &users)?;
    let config = directory.join("thirdhostd.toml");
    let text = format!(
        r#"listen = ["{at}"]
root = "{root}"
users = "{users}"
{data}[tls]
certificate = "{certificate}"
key = "{key}"
require = "{require}"
[limits]
sessions = 20000
sessions_per_host = 20000
idle_seconds = 3600
"#,
        root = stage.files().display(),
        users = users.display(),
        // lftp names no peer: with others between two hosts, PASV has to take any that policy
        // does, as the others are told to.
        data = if at.ip().is_loopback() {
            ""
        } else {
            "[data]\nlstn_unpinned = \"any\"\n"
        },
        certificate = stage.secret.certificate.display(),
        key = stage.secret.key.display(),
        // As it is on loopback unasked: the others speak in clear too.
        require = if at.ip().is_loopback() {
            "login"
        } else {
            "nothing"
        },
    );
    fs::write(&config, text).during(config.display())?;
    let mut command = Command::new(binary);
    command.arg("--config").arg(&config).env_remove("RUST_LOG");
    Ok(Recipe {
        name: NAME,
        version: version(binary, "--version"),
        note: "argon2id; uploads = \"whole\"; a log line per transfer",
        has_tls: true,
        forks: false,
        home: String::new(),
        user: USER,
        password: PASSWORD,
        command,
        log: directory.join("log"),
    })
}

/// As an operator does it, and then with what a benchmark needs to do.
fn add_user(binary: &Path, users: &Path) -> Result<()> {
    let mut child = Command::new(binary)
        .args(["user", "set", USER, "--users"])
        .arg(users)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .during(binary.display())?;
    if let Some(mut stdin) = child.stdin.take() {
        writeln!(stdin, "{PASSWORD}").during("thirdhostd user set")?;
    }
    if !child.wait().during("thirdhostd user set")?.success() {
        return Err(Failure::new("thirdhostd user set failed"));
    }
    let text = fs::read_to_string(users).during(users.display())?;
    let table = text.trim_end();
    let table = format!("{table}\nhome = \".\"\npermissions = {PERMISSIONS}\n{THIRD_PARTY}");
    fs::write(users, table).during(users.display())
}

const PERMISSIONS: &str = r#"["read", "write", "append", "delete", "rename", "mkdir"]"#;
const THIRD_PARTY: &str = "third_party = { send_to = [\"127.0.0.0/8\", \"10.0.0.0/8\"], \
     receive_from = [\"127.0.0.0/8\", \"10.0.0.0/8\"] }\n";
