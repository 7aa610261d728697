//! Pure-FTPd, with a user of its own database.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::identity::{CRYPTED, NOBODY, private};
use super::{Peer, Place, ThirdParty, TlsEnd, VersionTold, program};
use crate::USER;

#[derive(Debug)]
pub(super) struct PureFtpd;

impl Peer for PureFtpd {
    fn name(&self) -> &'static str {
        "Pure-FTPd"
    }

    fn find(&self) -> Option<PathBuf> {
        program("pure-pw").and_then(|_| program("pure-ftpd"))
    }

    fn version(&self) -> VersionTold {
        VersionTold::Output {
            argument: "--help",
            mark: "pure-ftpd v",
        }
    }

    fn needs_root(&self) -> bool {
        true
    }

    fn tls(&self) -> TlsEnd {
        TlsEnd::Server
    }

    fn prepare(&self, server: &Path, place: &Place) -> io::Result<Command> {
        let file = |name: &str| place.directory.join(name);
        let (users, database) = (file("users"), file("users.pdb"));
        let (user, group, root) = (NOBODY.user, NOBODY.group, place.root.display());
        let unlimited = ":".repeat(UNUSED_FIELDS);
        private(
            &users,
            &format!("{USER}:{CRYPTED}:{user}:{group}::{root}/./{unlimited}\n"),
        )?;
        let pure_pw = program("pure-pw").ok_or(io::ErrorKind::NotFound)?;
        let made = Command::new(pure_pw)
            .arg("mkdb")
            .arg(&database)
            .arg("-f")
            .arg(&users)
            .status()?;
        if !made.success() {
            return Err(io::Error::other("pure-pw made no database"));
        }
        let (host, port) = (place.address.ip(), place.address.port());
        let mut command = Command::new(server);
        command
            .args(["--bind", &format!("{host},{port}")])
            .args(["--login", &format!("puredb:{}", database.display())])
            .args(["--noanonymous", "--dontresolve", "--minuid", "1"])
            .args(["--maxclientsnumber", SESSIONS])
            .arg("--pidfile")
            .arg(file("pid"));
        if place.third_party == ThirdParty::Allowed {
            command.arg("--allowuserfxp");
        }
        match &place.certificate {
            Some(files) => command
                .args(["--tls", "1"])
                .arg("--certfile")
                .arg(&files.both),
            None => command.args(["--tls", "0"]),
        };
        Ok(command)
    }
}

/// Quotas, rates, ratios, hours, addresses.
const UNUSED_FIELDS: usize = 12;

/// More than any test opens at once.
const SESSIONS: &str = "64";
