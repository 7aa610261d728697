//! What an operator decides: the configuration file of thirdhostd, resolved and checked.
//!
//! A [`Config`] is valid by construction. Whatever is wrong with the file is told with file,
//! line, key and what was expected ([`ConfigError`]).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use thirdhost_proto::server::{ClearTransfers, Permissions, Unpinned};
use thirdhost_wire::HostName;

use crate::accounts::{Account, Admission, Bounds, Roll};
use crate::limits;
use crate::store::{Durability, UploadPolicy};
use crate::tls::Certificate;

mod bounds;
mod error;
mod explain;
mod file;
mod operations;
mod paths;
mod restart;
mod users;
mod values;
mod warnings;

pub use error::{ConfigError, Place};
pub use explain::{Origin, Setting};
pub use operations::{Log, LogFormat};
pub use users::{Change, SetUserError, read_users, remove_user, set_user};

/// A resolved configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where control connections are accepted; port 0 lets the system choose.
    pub listen: Vec<SocketAddr>,
    /// The names HOST may give the server; while there are none, every name is accepted.
    pub hosts: Vec<HostName>,
    /// The directory beneath which every home lies.
    pub root: PathBuf,
    /// Who may log in.
    pub roll: Roll,
    /// The file that holds more users, for SIGHUP and `user set`.
    pub users_file: Option<PathBuf>,
    /// How uploads appear (design D10).
    pub uploads: UploadPolicy,
    /// What a completed upload survives (design D10).
    pub durability: Durability,
    /// Whether `MDTM <time> <name>` sets the time, as old clients mean it.
    pub mdtm_set: bool,
    /// How long a partial upload is kept.
    pub partial: Duration,
    /// How long running transfers may take to finish after SIGTERM.
    pub drain: Duration,
    /// Data connections.
    pub data_sockets: DataSockets,
    /// Encryption.
    pub tls: Tls,
    /// How many sessions, and for how long.
    pub sessions: Sessions,
    /// What is logged, and how.
    pub log: Log,
    /// Where metrics and health are told. Key `metrics.listen`.
    pub metrics: Option<SocketAddr>,
}

/// The table `[data]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DataSockets {
    /// The range that data ports are drawn from.
    pub ports: RangeInclusive<u16>,
    /// The address told in 227, where it differs from ours (behind NAT).
    pub public_address: Option<IpAddr>,
    /// How long a transfer command waits for its data connection.
    pub accept: Duration,
    /// Whom a LSTN without SOCK accepts (spec A-24). Key `lstn_unpinned`.
    pub unpinned: Unpinned,
}

/// The table `[tls]`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Tls {
    /// What the server shows; without one there is no TLS. Keys `certificate` and `key`.
    pub certificate: Option<Certificate>,
    /// The file the certificate comes from, read again at SIGHUP.
    pub certificate_file: Option<PathBuf>,
    /// The file of the private key, read again at SIGHUP.
    pub key_file: Option<PathBuf>,
    /// What must not travel in clear (design D15).
    pub require: Require,
    /// Where control connections are accepted that are under TLS from the first octet
    /// (`ftps://`, by custom port 990); port 0 lets the system choose.
    pub implicit_listen: Vec<SocketAddr>,
    /// Whether data connections resume the TLS session of the control connection.
    pub session_reuse: SessionReuse,
    /// Who a third host has to be that no SITE PEERCERT names.
    pub peer_verify: PeerVerify,
    /// Whether a client that calls us by a name not in `hosts` gets no handshake (spec S-38).
    pub strict_sni: bool,
    /// Networks whose clients may end a file without close_notify (spec S-33).
    pub close_notify_waived: Vec<IpNet>,
}

/// Whether data connections resume the TLS session of their control connection, which proves
/// that the same client makes them (spec D-24). Key `tls.session_reuse`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SessionReuse {
    /// `"off"`: they cannot.
    Off,
    /// `"prefer"`: they may.
    #[default]
    Prefer,
    /// `"require"`: they must, or 522; waived for third hosts, which never had a session here.
    Require,
}

/// What proves who a third host is, where no SITE PEERCERT names its certificate and the
/// connection is under TLS (spec D-22). Key `tls.peer_verify`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PeerVerify {
    /// `"ca"`: where we are the TLS client, a certificate for its address that the system trusts.
    #[default]
    Ca,
    /// `"pinned"`: nothing does; SITE PEERCERT is needed.
    Pinned,
    /// `"none"`: nothing has to; the operator has to write it.
    None,
}

/// The table `[limits]`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Sessions {
    /// Sessions in all.
    pub most: usize,
    /// Sessions from one address.
    pub most_per_host: usize,
    /// How long a session may say nothing while no transfer runs.
    pub idle: Duration,
    /// How many bytes uploads leave free on the disk; `None`: they may fill it.
    pub free_space: Option<u64>,
}

/// What must not travel in clear. Key `tls.require`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Require {
    /// `"nothing"`: clear text is good enough; the operator has to write it.
    Nothing,
    /// `"login"`: passwords.
    #[default]
    Login,
    /// `"data"`: passwords and files.
    Data,
}

impl Require {
    /// Whether `peer` may send a password in clear. Peers on loopback always may (design D15).
    #[must_use]
    pub fn password_allowed_in_clear(self, peer: IpAddr) -> bool {
        self == Self::Nothing || peer.to_canonical().is_loopback()
    }

    /// Which files may travel in clear in a session with `peer` (spec S-39). Peers on loopback
    /// may have all.
    #[must_use]
    pub fn clear_transfers(self, peer: IpAddr) -> ClearTransfers {
        match self {
            _ if peer.to_canonical().is_loopback() => ClearTransfers::Allowed,
            Self::Nothing => ClearTransfers::Allowed,
            Self::Login => ClearTransfers::WithoutTls,
            Self::Data => ClearTransfers::Refused,
        }
    }
}

impl Config {
    /// What runs without a configuration file: `root`, read-only, for `anonymous`, on
    /// 127.0.0.1:2121.
    #[must_use]
    pub fn quick_start(root: impl Into<PathBuf>) -> Self {
        let anonymous = Account {
            name: "anonymous".to_owned(),
            home: String::new(),
            permissions: Permissions::read_only(),
            third_party: None,
            operator: false,
            bounds: Bounds::default(),
            admission: Admission::default(),
            anonymous: true,
        };
        Self {
            listen: vec![QUICK_START_LISTEN],
            hosts: Vec::new(),
            root: root.into(),
            roll: Roll {
                users: Vec::new(),
                anonymous: Some(anonymous),
            },
            users_file: None,
            uploads: UploadPolicy::default(),
            durability: Durability::default(),
            mdtm_set: false,
            partial: limits::PARTIAL,
            drain: limits::DRAIN,
            data_sockets: DataSockets::default(),
            tls: Tls::default(),
            sessions: Sessions::default(),
            log: Log::default(),
            metrics: None,
        }
    }

    /// Reads `file` and the users file it names, and sees that the root is there.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = read(file)?;
        let config = Self::parse(&text, file)?;
        if !config.root.is_dir() {
            return Err(file::wrong_root(&text, file));
        }
        Ok(config)
    }

    /// The configuration in `text`, as if it had been read from `file`: relative paths are
    /// relative to its directory, and errors name it. Reads the users file where one is named.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        file::resolve(text, file)
    }

    /// Every value with its origin: a line of `file`, from which this was read, or of the users
    /// file, or the default. Tells no password and no hash.
    ///
    /// # Errors
    /// When a file cannot be read any more.
    pub fn explain(&self, file: Option<&Path>) -> Result<Vec<Setting>, ConfigError> {
        explain::explain(self, file)
    }

    /// The files beside the configuration itself that are read while the server runs, when
    /// SIGHUP comes; a sandbox has to leave them readable.
    #[must_use]
    pub fn files_read_again(&self) -> Vec<&Path> {
        let Tls {
            certificate_file,
            key_file,
            ..
        } = &self.tls;
        let files = [&self.users_file, certificate_file, key_file];
        files.into_iter().flatten().map(PathBuf::as_path).collect()
    }

    /// What is allowed but deserves a second look, as sentences for `--check` and the start.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        warnings::of(self)
    }
}

impl Default for DataSockets {
    fn default() -> Self {
        Self {
            ports: DYNAMIC_PORTS,
            public_address: None,
            accept: limits::ACCEPT,
            unpinned: Unpinned::default(),
        }
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            most: limits::SESSIONS,
            most_per_host: limits::SESSIONS_PER_HOST,
            idle: limits::IDLE,
            free_space: None,
        }
    }
}

fn read(file: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(file).map_err(|source| ConfigError::Unreadable {
        file: file.to_owned(),
        source,
    })
}

const QUICK_START_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 2121);

/// The dynamic ports of RFC 6335 section 6.
const DYNAMIC_PORTS: RangeInclusive<u16> = 49152..=65535;

#[cfg(test)]
mod tests;
