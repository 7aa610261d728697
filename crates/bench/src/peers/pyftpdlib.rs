//! pyftpdlib, of which a few lines of Python make a server.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use super::{PASSWORD, Recipe, USER, find};
use crate::failure::{Result, While};
use crate::stage::Stage;

pub(super) const NAME: &str = "pyftpdlib";

pub(super) fn recipe(stage: &Stage, at: SocketAddr) -> Result<Option<Recipe>> {
    let Some(python) = find("python3") else {
        return Ok(None);
    };
    let mut ask = Command::new(&python);
    ask.args(["-c", "import pyftpdlib; print(pyftpdlib.__ver__)"]);
    let told = ask.output().during("python3")?;
    if !told.status.success() {
        return Ok(None);
    }
    let tls = Command::new(&python)
        .args(["-c", "import OpenSSL"])
        .output();
    let tls = tls.is_ok_and(|output| output.status.success());
    let directory = stage.of_peer(&format!("{NAME}-{at}"))?;
    let (host, port) = (at.ip(), at.port());
    let script = directory.join("server.py");
    fs::write(&script, SCRIPT).during(script.display())?;
    let mut command = Command::new(&python);
    command
        .arg(&script)
        .args([host.to_string(), port.to_string()]);
    command.args([stage.files(), stage.secret.both.clone()]);
    command.args([USER, PASSWORD]);
    Ok(Some(Recipe {
        name: NAME,
        version: format!("pyftpdlib {}", String::from_utf8_lossy(&told.stdout).trim()),
        note: "compares passwords in clear; no log; one process",
        has_tls: tls,
        forks: false,
        home: String::new(),
        user: USER,
        password: PASSWORD,
        command,
        log: directory.join("log"),
    }))
}

const SCRIPT: &str = "\
import logging, sys
from pyftpdlib import handlers
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.servers import FTPServer
host, port, home, both, user, password = sys.argv[1:]
logging.basicConfig(level=logging.CRITICAL)
authorizer = DummyAuthorizer()
authorizer.add_user(user, password, home, perm='elradfmwMT')
handler = getattr(handlers, 'TLS_FTPHandler', handlers.FTPHandler)
handler.certfile = both
handler.authorizer = authorizer
handler.timeout = 3600
handler.permit_foreign_addresses = True
server = FTPServer((host, int(port)), handler, backlog=1024)
server.max_cons = 20000
server.max_cons_per_ip = 20000
server.serve_forever()
";
