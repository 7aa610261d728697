//! The configuration file as it is written, and what becomes of it.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use thirdhost_proto::server::{Permission, Unpinned};
use thirdhost_wire::HostName;
use toml::Spanned;

use super::bounds::{Octets, RateTable, SessionCount, Written};
use super::operations::{LogTable, MetricsTable};
use super::paths::{PathTable, Prefix, permissions};
use super::values::{Bounded, Home, Ports, Worded};
use super::{
    Config, ConfigError, DataSockets, PeerVerify, Require, SessionReuse, Sessions, Tls, read, users,
};
use crate::accounts::{Account, Admission, Roll, ThirdPartyGrant};
use crate::limits::ACCEPT_SECONDS_MIN;
use crate::store::{Durability, UploadPolicy};
use crate::tls::Certificate;

/// Reads a configuration from `text`, which came from `file`.
pub(super) fn resolve(text: &str, file: &Path) -> Result<Config, ConfigError> {
    let written: File =
        toml::from_str(text).map_err(|error| ConfigError::syntax(file, text, &error))?;
    let wrong = |span: Range<usize>, problem: &str| ConfigError::at(file, text, span, problem);
    let beside = |path: PathBuf| file.parent().unwrap_or(Path::new("")).join(path);
    let tls = written
        .tls
        .resolve(!written.hosts.is_empty(), beside, wrong)?;

    let users_file = written
        .users
        .map(|path| (path.span(), beside(path.into_inner())));
    let mut roll = Roll {
        users: Vec::new(),
        anonymous: written
            .anonymous
            .map(|anonymous| anonymous.account(file, text))
            .transpose()?,
    };
    users::enlist(&mut roll, written.user, file, text)?;
    if let Some((span, path)) = &users_file {
        let text = read(path).map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let cause = cause.unwrap_or_default();
            wrong(
                span.clone(),
                &format!("{error}: {cause}; expected a file of users"),
            )
        })?;
        users::enlist_file(&mut roll, path, &text)?;
    }

    let defaults = Config::quick_start(beside(written.root));
    let listen = match written.listen {
        None => defaults.listen,
        Some(list) if list.get_ref().is_empty() => {
            return Err(wrong(
                list.span(),
                "the list is empty; expected at least one address",
            ));
        }
        Some(list) => list
            .into_inner()
            .into_iter()
            .map(|Worded(address)| address)
            .collect(),
    };
    Ok(Config {
        listen,
        hosts: written.hosts.into_iter().map(|Worded(host)| host).collect(),
        root: defaults.root,
        roll,
        users_file: users_file.map(|(_, path)| path),
        uploads: word(written.uploads),
        durability: word(written.durability),
        mdtm_set: written.mdtm_set,
        partial: written
            .partial_hours
            .map_or(defaults.partial, |hours| seconds(hours.value() * 3600)),
        drain: written
            .drain_seconds
            .map_or(defaults.drain, |drain| seconds(drain.value())),
        data_sockets: written.data.resolve(),
        tls,
        sessions: written.limits.resolve(),
        log: written.log.resolve(beside),
        metrics: written.metrics.resolve(wrong)?,
    })
}

/// The error for a root that is no directory.
pub(super) fn wrong_root(text: &str, file: &Path) -> ConfigError {
    let span = toml::from_str::<RootOnly>(text).map_or(0..0, |written| written.root.span());
    ConfigError::at(
        file,
        text,
        span,
        "no such directory; expected an existing directory",
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<Spanned<Vec<Worded<SocketAddr>>>>,
    #[serde(default)]
    hosts: Vec<Worded<HostName>>,
    root: PathBuf,
    users: Option<Spanned<PathBuf>>,
    uploads: Option<Worded<UploadPolicy>>,
    durability: Option<Worded<Durability>>,
    #[serde(default)]
    mdtm_set: bool,
    partial_hours: Option<Bounded<1, { 24 * 365 }>>,
    drain_seconds: Option<Bounded<0, 3600>>,
    #[serde(default)]
    data: Data,
    #[serde(default)]
    tls: TlsTable,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    log: LogTable,
    #[serde(default)]
    metrics: MetricsTable,
    #[serde(default)]
    user: Vec<users::UserTable>,
    anonymous: Option<Anonymous>,
}

#[derive(Deserialize)]
struct RootOnly {
    root: Spanned<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    ports: Option<Worded<Ports>>,
    public_address: Option<Worded<IpAddr>>,
    accept_seconds: Option<Bounded<ACCEPT_SECONDS_MIN, 3600>>,
    lstn_unpinned: Option<Worded<Unpinned>>,
}

impl Data {
    fn resolve(self) -> DataSockets {
        let defaults = DataSockets::default();
        DataSockets {
            ports: self
                .ports
                .map_or(defaults.ports, |Worded(Ports(range))| range),
            public_address: self.public_address.map(|Worded(address)| address),
            accept: self
                .accept_seconds
                .map_or(defaults.accept, |accept| seconds(accept.value())),
            unpinned: word(self.lstn_unpinned),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsTable {
    certificate: Option<Spanned<PathBuf>>,
    key: Option<Spanned<PathBuf>>,
    require: Option<Worded<Require>>,
    implicit_listen: Option<Spanned<Vec<Worded<SocketAddr>>>>,
    session_reuse: Option<Worded<SessionReuse>>,
    peer_verify: Option<Worded<PeerVerify>>,
    strict_sni: Option<Spanned<bool>>,
    #[serde(default)]
    close_notify_waived: Vec<Worded<IpNet>>,
}

impl TlsTable {
    /// `named`: whether names of ours are listed.
    fn resolve(
        self,
        named: bool,
        beside: impl Fn(PathBuf) -> PathBuf,
        wrong: impl Fn(Range<usize>, &str) -> ConfigError,
    ) -> Result<Tls, ConfigError> {
        let (certificate, certificate_file, key_file) = match (self.certificate, self.key) {
            (None, None) => (None, None, None),
            (Some(chain), Some(key)) => {
                let span = chain.span();
                let (chain, key) = (beside(chain.into_inner()), beside(key.into_inner()));
                let certificate = Certificate::load(&chain, &key).map_err(|error| {
                    let expected = "expected a certificate chain in PEM, and its key";
                    wrong(span, &format!("{error}; {expected}"))
                })?;
                (Some(certificate), Some(chain), Some(key))
            }
            (Some(path), None) => return Err(wrong(path.span(), "expected tls.key beside it")),
            (None, Some(path)) => {
                return Err(wrong(path.span(), "expected tls.certificate beside it"));
            }
        };
        let strict_sni = match self.strict_sni {
            Some(strict) if *strict.get_ref() && !named => {
                return Err(wrong(
                    strict.span(),
                    "no name is ours; expected hosts beside it",
                ));
            }
            strict => strict.is_some_and(Spanned::into_inner),
        };
        let implicit_listen = match self.implicit_listen {
            None => Vec::new(),
            Some(list) if certificate.is_none() => {
                let problem = "implicit TLS without one; expected tls.certificate and tls.key";
                return Err(wrong(list.span(), problem));
            }
            Some(list) => {
                let list = list.into_inner();
                list.into_iter().map(|Worded(address)| address).collect()
            }
        };
        Ok(Tls {
            certificate,
            certificate_file,
            key_file,
            require: word(self.require),
            implicit_listen,
            session_reuse: word(self.session_reuse),
            peer_verify: word(self.peer_verify),
            strict_sni,
            close_notify_waived: networks(self.close_notify_waived),
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    sessions: Option<Bounded<1, 1_000_000>>,
    sessions_per_host: Option<Bounded<1, 1_000_000>>,
    idle_seconds: Option<Bounded<1, 86_400>>,
    free_space: Option<Worded<Octets>>,
}

impl Limits {
    fn resolve(self) -> Sessions {
        let defaults = Sessions::default();
        let count = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        Sessions {
            most: self
                .sessions
                .map_or(defaults.most, |most| count(most.value())),
            most_per_host: self
                .sessions_per_host
                .map_or(defaults.most_per_host, |most| count(most.value())),
            idle: self
                .idle_seconds
                .map_or(defaults.idle, |idle| seconds(idle.value())),
            free_space: self.free_space.map(|Worded(Octets(least))| least),
        }
    }
}

/// The table `[anonymous]`. It has no `third_party`: anonymous users never meet third hosts
/// (spec S-10, S-29).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Anonymous {
    home: Option<Worded<Home>>,
    permissions: Option<Vec<Worded<Permission>>>,
    #[serde(default)]
    path: Vec<PathTable>,
    sessions: Option<SessionCount>,
    #[serde(default)]
    rate: RateTable,
    #[serde(default)]
    rate_per_transfer: RateTable,
    quota: Option<Worded<Octets>>,
    max_file_size: Option<Worded<Octets>>,
}

impl Anonymous {
    fn account(self, file: &Path, text: &str) -> Result<Account, ConfigError> {
        Ok(Account {
            name: "anonymous".to_owned(),
            home: self.home.map(|Worded(Home(home))| home).unwrap_or_default(),
            permissions: permissions(self.permissions, self.path, file, text)?,
            third_party: None,
            operator: false,
            bounds: Written {
                sessions: self.sessions,
                rate: self.rate,
                rate_per_transfer: self.rate_per_transfer,
                quota: self.quota,
                max_file_size: self.max_file_size,
            }
            .bounds(),
            admission: Admission::default(),
            anonymous: true,
        })
    }
}

/// The table `third_party` of a user.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ThirdParty {
    #[serde(default)]
    send_to: Vec<Worded<IpNet>>,
    #[serde(default)]
    receive_from: Vec<Worded<IpNet>>,
    #[serde(default)]
    privileged_ports: Vec<Bounded<1, 1023>>,
    ports: Option<Worded<Ports>>,
    #[serde(default)]
    paths: Vec<Worded<Prefix>>,
    #[serde(default)]
    tls: bool,
}

impl ThirdParty {
    pub(super) fn grant(self) -> ThirdPartyGrant {
        let port = |port: Bounded<1, 1023>| u16::try_from(port.value()).ok();
        ThirdPartyGrant {
            send_to: networks(self.send_to),
            receive_from: networks(self.receive_from),
            privileged_ports: self.privileged_ports.into_iter().filter_map(port).collect(),
            ports: self.ports.map(|Worded(Ports(range))| range),
            paths: self
                .paths
                .into_iter()
                .map(|Worded(Prefix(path))| path)
                .collect(),
            tls: self.tls,
        }
    }
}

fn networks(list: Vec<Worded<IpNet>>) -> Vec<IpNet> {
    list.into_iter().map(|Worded(network)| network).collect()
}

fn word<T: Default>(written: Option<Worded<T>>) -> T {
    written.map(|Worded(value)| value).unwrap_or_default()
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
