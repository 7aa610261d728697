//! pyftpdlib, in a process of Python: the script is `pyftpdlib.py`.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Peer, Place, ThirdParty, TlsEnd, VersionTold, directory, program};
use crate::{PASSWORD, USER};

#[derive(Debug)]
pub(super) struct Pyftpdlib;

impl Peer for Pyftpdlib {
    fn name(&self) -> &'static str {
        "pyftpdlib"
    }

    /// The Python that has it, with what it needs for TLS.
    fn find(&self) -> Option<PathBuf> {
        let python = program("python3")?;
        let found = python3(&python)
            .args(["-c", "import pyftpdlib, OpenSSL"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        found.is_ok_and(|status| status.success()).then_some(python)
    }

    fn version(&self) -> VersionTold {
        VersionTold::Greeting("pyftpdlib ")
    }

    fn tls(&self) -> TlsEnd {
        TlsEnd::Server
    }

    fn prepare(&self, program: &Path, place: &Place) -> io::Result<Command> {
        let mut command = python3(program);
        command
            .args(["-c", SCRIPT])
            .arg(place.address.ip().to_string())
            .arg(place.address.port().to_string())
            .arg(&place.root)
            .args([USER, PASSWORD])
            .arg(match place.third_party {
                ThirdParty::Default => "default",
                ThirdParty::Allowed => "allowed",
            });
        if let Some(files) = &place.certificate {
            command.arg(&files.both);
        }
        Ok(command)
    }
}

/// Python, with what is installed for the peers alone.
fn python3(python: &Path) -> Command {
    let own = directory().join("python");
    let before = env::var_os("PYTHONPATH").unwrap_or_default();
    let all = env::split_paths(&before)
        .filter(|place| !place.as_os_str().is_empty())
        .chain([own]);
    let mut command = Command::new(python);
    if let Ok(all) = env::join_paths(all) {
        command.env("PYTHONPATH", all);
    }
    command
}

const SCRIPT: &str = include_str!("pyftpdlib.py");
