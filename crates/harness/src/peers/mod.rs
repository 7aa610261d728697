//! FTP servers that others wrote, and ours, as processes on loopback: each is started over a
//! directory of its own, on a free port, and is gone with all its children when dropped.
//!
//! A peer is one file here: which program, how it is told what to do, and how it takes part in
//! third-party transfers once it is allowed to.
//!
//! Programs are looked for in `usr/sbin` and `usr/bin` beneath `THIRDHOST_PEERS`
//! (`/opt/thirdhost-peers` unless set), in `PATH` and where daemons usually are; `.ci/peers`
//! installs them all.
//! One that is not there is left out, unless `THIRDHOST_REQUIRE_PEERS` is set: then it fails.

mod find;
mod gridftp;
mod identity;
mod ours;
mod proftpd;
mod pure_ftpd;
mod pyftpdlib;
mod running;
mod vsftpd;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

pub use find::{directory, program};
pub use identity::CertificateFiles;
pub use running::{Running, StartError, start};

use crate::{PASSWORD, USER};

/// Every peer, in the order of tables.
pub const ALL: [&dyn Peer; 6] = [
    &ours::Ours,
    &vsftpd::Vsftpd,
    &proftpd::Proftpd,
    &pure_ftpd::PureFtpd,
    &pyftpdlib::Pyftpdlib,
    &gridftp::Gridftp,
];

/// The peer of that [`Peer::name`].
#[must_use]
pub fn named(name: &str) -> Option<&'static dyn Peer> {
    ALL.into_iter().find(|peer| peer.name() == name)
}

/// A server program.
pub trait Peer: fmt::Debug + Sync {
    /// As its people write it.
    fn name(&self) -> &'static str;

    /// Its program, if all that it takes is there.
    fn find(&self) -> Option<PathBuf>;

    /// Where it tells its version.
    fn version(&self) -> VersionTold;

    /// Whether [`start`] needs the superuser: it changes to another user at every login.
    fn needs_root(&self) -> bool {
        false
    }

    /// Which ends of a TLS data connection it can be.
    fn tls(&self) -> TlsEnd;

    /// Name and password to log in with.
    fn login(&self) -> [&'static str; 2] {
        [USER, PASSWORD]
    }

    /// The directory that may be written to, from the login directory; ends in a slash or is
    /// empty.
    fn writable(&self) -> &'static str {
        ""
    }

    /// Writes its configuration and says how it is run in the foreground.
    ///
    /// # Errors
    /// Whatever the system says.
    fn prepare(&self, program: &Path, place: &Place) -> io::Result<Command>;
}

/// What is asked of a peer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Setting {
    /// Where it listens. Third parties differ by address: loopback has 127.0.0.2, 127.0.0.3, …
    pub host: Ipv4Addr,
    /// As it comes, or told to take part in third-party transfers.
    pub third_party: ThirdParty,
    /// Whether it offers TLS; nothing demands it.
    pub tls: bool,
}

/// Whether a peer takes part in third-party transfers.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ThirdParty {
    /// Its configuration does not speak of them.
    Default,
    /// Its configuration allows them.
    Allowed,
}

/// Where a peer is to serve what.
#[derive(Debug)]
pub struct Place {
    /// For its configuration, its log and what else it writes.
    pub directory: PathBuf,
    /// What it serves.
    pub root: PathBuf,
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether third-party transfers are allowed.
    pub third_party: ThirdParty,
    /// Its certificate, if it offers TLS.
    pub certificate: Option<CertificateFiles>,
}

/// Where a program tells its version: the word behind a mark.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VersionTold {
    /// In its greeting.
    Greeting(&'static str),
    /// In what it prints when run with an argument.
    Output {
        /// The argument.
        argument: &'static str,
        /// What stands before the version.
        mark: &'static str,
    },
}

/// Which ends of a TLS data connection a server can be (spec 5.6).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TlsEnd {
    /// None: it has no TLS without client certificates.
    None,
    /// The TLS server alone: the other one must be the client.
    Server,
    /// Either, as it is told with SSCN.
    Either,
}
