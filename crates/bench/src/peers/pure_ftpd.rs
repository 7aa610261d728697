//! Pure-FTPd, with a user of its own database.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use super::{CRYPTED, PASSWORD, Recipe, USER, find, version};
use crate::failure::{Failure, Result, While};
use crate::stage::Stage;

pub(super) const NAME: &str = "pure-ftpd";

pub(super) fn recipe(stage: &Stage, at: SocketAddr) -> Result<Option<Recipe>> {
    let (Some(program), Some(database)) = (find(NAME), find("pure-pw")) else {
        return Ok(None);
    };
    let directory = stage.of_peer(&format!("{NAME}-{at}"))?;
    let (host, port) = (at.ip(), at.port());
    let (users, compiled) = (directory.join("passwd"), directory.join("pdb"));
    let home = stage.files();
    let line = format!(
        "{USER}:{CRYPTED}:65534:65534::{}/./:{}\n",
        home.display(),
        ":".repeat(12)
    );
    std::fs::write(&users, line).during(users.display())?;
    let mut compile = Command::new(database);
    compile.arg("mkdb").arg(&compiled).arg("-f").arg(&users);
    let made = compile.stdout(Stdio::null()).status().during("pure-pw")?;
    if !made.success() {
        return Err(Failure::new("pure-pw mkdb failed"));
    }
    let mut command = Command::new(&program);
    command.args(["-S", &format!("{host},{port}"), "-4", "-E", "-H", "-w"]);
    command.args([
        "-c", "20000", "-C", "20000", "-I", "60", "-u", "1", "-Y", "1", "-f", "none",
    ]);
    command.args(["-L", "1000000:1", "-p", "20000:60000"]);
    command
        .arg("-l")
        .arg(format!("puredb:{}", compiled.display()));
    command.arg("-2").arg(&stage.secret.both);
    command.arg("-g").arg(directory.join("pid"));
    Ok(Some(Recipe {
        name: NAME,
        version: version(&program, "--help"),
        note: "SHA-512 crypt; no log",
        has_tls: true,
        forks: true,
        home: String::new(),
        user: USER,
        password: PASSWORD,
        command,
        log: directory.join("log"),
    }))
}
