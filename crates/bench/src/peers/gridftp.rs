//! The GridFTP server of the Grid Community Toolkit, without its own security.

use std::net::SocketAddr;
use std::process::Command;

use super::{Recipe, find, version};
use crate::failure::Result;
use crate::stage::Stage;

pub(super) const NAME: &str = "globus-gridftp";

pub(super) fn recipe(stage: &Stage, at: SocketAddr) -> Result<Option<Recipe>> {
    let Some(program) = find("globus-gridftp-server") else {
        return Ok(None);
    };
    let directory = stage.of_peer(&format!("{NAME}-{at}"))?;
    let (host, port) = (at.ip(), at.port());
    let mut command = Command::new(&program);
    // It starts itself anew for each session, from where its package would have put it.
    command.arg("-exec").arg(&program);
    command.args([
        "-p",
        &port.to_string(),
        "-control-interface",
        &host.to_string(),
    ]);
    command.args([
        "-data-interface",
        &host.to_string(),
        "-aa",
        "-anonymous-user",
        "nobody",
    ]);
    command.args(["-connections-max", "20000", "-control-idle-timeout", "3600"]);
    command.args(["-log-level", "NONE", "-c"]);
    command.arg(directory.join("none"));
    Ok(Some(Recipe {
        name: NAME,
        version: version(&program, "--version"),
        note: "anonymous: no password is hashed; no log; TLS only as GSI, left out",
        has_tls: false,
        forks: true,
        home: format!("{}/", stage.files().display()),
        user: "anonymous",
        password: "bench@",
        command,
        log: directory.join("log"),
    }))
}
