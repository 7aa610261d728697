//! globus-gridftp-server with an anonymous user: its control connection is in clear text, as TLS
//! takes certificates of a grid.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Peer, Place, TlsEnd, VersionTold, program};

#[derive(Debug)]
pub(super) struct Gridftp;

impl Peer for Gridftp {
    fn name(&self) -> &'static str {
        "GridFTP"
    }

    fn find(&self) -> Option<PathBuf> {
        program("globus-gridftp-server")
    }

    fn version(&self) -> VersionTold {
        VersionTold::Greeting("GridFTP Server ")
    }

    /// The anonymous user is another one.
    fn needs_root(&self) -> bool {
        true
    }

    fn tls(&self) -> TlsEnd {
        TlsEnd::None
    }

    fn login(&self) -> [&'static str; 2] {
        ["anonymous", "user@example.org"]
    }

    /// Third-party transfers are what it is for: nothing has to be allowed.
    fn prepare(&self, program: &Path, place: &Place) -> io::Result<Command> {
        let host = place.address.ip().to_string();
        let mut command = Command::new(program);
        command
            // It starts itself anew for each session, from where its package would have put it.
            .arg("-exec")
            .arg(program)
            .args(["-allow-anonymous", "-anonymous-user", "nobody"])
            .args(["-anonymous-group", "nogroup", "-c", "/dev/null"])
            .args(["-control-interface", &host, "-data-interface", &host])
            // Loopback has one address to call from unless told otherwise.
            .args(["-dc-default", &format!("tcp:iface={host}")])
            .args(["-port", &place.address.port().to_string()])
            .arg("-home-dir")
            .arg(&place.root)
            .arg("-logfile")
            .arg(place.directory.join("gridftp.log"));
        Ok(command)
    }
}
