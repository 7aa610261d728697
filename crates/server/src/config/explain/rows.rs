//! What each key is in the configuration in force.

use std::path::Path;
use std::time::Duration;

use thirdhost_proto::server::{Permission, Permissions, Unpinned, VirtualPath};
use toml::Value;

use crate::accounts::ThirdPartyGrant;
use crate::config::{Config, LogFormat, PeerVerify, Require, SessionReuse};
use crate::store::{Durability, UploadPolicy};

/// A key and its value; `None` where nothing is set and nothing stands in.
pub(in super::super) type Row = (&'static str, Option<Value>);

/// Every key outside users.
pub(in super::super) fn rows(config: &Config) -> Vec<Row> {
    let mut rows = of_server(config);
    rows.extend(of_data(config));
    rows.extend(of_tls(config));
    rows.extend(of_operations(config));
    rows
}

fn of_server(config: &Config) -> Vec<Row> {
    vec![
        ("listen", Some(list(&config.listen))),
        ("root", Some(path(&config.root))),
        ("hosts", Some(list(&config.hosts))),
        ("users", config.users_file.as_deref().map(path)),
        ("uploads", Some(uploads(config.uploads).into())),
        ("durability", Some(durability(config.durability).into())),
        ("mdtm_set", Some(config.mdtm_set.into())),
        ("partial_hours", Some(seconds(config.partial / 3600))),
        ("drain_seconds", Some(seconds(config.drain))),
    ]
}

fn of_data(config: &Config) -> Vec<Row> {
    let sockets = &config.data_sockets;
    let ports = format!("{}-{}", sockets.ports.start(), sockets.ports.end());
    let address = sockets.public_address;
    vec![
        ("data.ports", Some(ports.into())),
        ("data.public_address", address.map(|a| a.to_string().into())),
        ("data.accept_seconds", Some(seconds(sockets.accept))),
        (
            "data.lstn_unpinned",
            Some(unpinned(sockets.unpinned).into()),
        ),
    ]
}

fn of_tls(config: &Config) -> Vec<Row> {
    let tls = &config.tls;
    let waived = &tls.close_notify_waived;
    vec![
        ("tls.certificate", tls.certificate_file.as_deref().map(path)),
        ("tls.key", tls.key_file.as_deref().map(path)),
        ("tls.require", Some(require(tls.require).into())),
        ("tls.implicit_listen", Some(list(&tls.implicit_listen))),
        (
            "tls.session_reuse",
            Some(session_reuse(tls.session_reuse).into()),
        ),
        ("tls.peer_verify", Some(peer_verify(tls.peer_verify).into())),
        ("tls.strict_sni", Some(tls.strict_sni.into())),
        ("tls.close_notify_waived", Some(list(waived))),
    ]
}

fn of_operations(config: &Config) -> Vec<Row> {
    let Config { sessions, log, .. } = config;
    let anonymous = config.roll.anonymous.as_ref();
    vec![
        ("limits.sessions", Some(count(sessions.most))),
        (
            "limits.sessions_per_host",
            Some(count(sessions.most_per_host)),
        ),
        ("limits.idle_seconds", Some(seconds(sessions.idle))),
        ("limits.free_space", sessions.free_space.map(octets)),
        ("log.format", Some(format_of(log.format).into())),
        ("log.level", Some(log.level.to_string().into())),
        ("log.xferlog", log.xferlog.as_deref().map(path)),
        (
            "metrics.listen",
            config.metrics.map(|a| a.to_string().into()),
        ),
        ("anonymous.home", anonymous.map(|a| a.home.clone().into())),
        (
            "anonymous.permissions",
            anonymous.map(|a| permissions(&a.permissions)),
        ),
    ]
}

fn path(path: &Path) -> Value {
    path.display().to_string().into()
}

pub(super) fn list<T: ToString>(items: &[T]) -> Value {
    let words = items.iter().map(|item| Value::from(item.to_string()));
    Value::Array(words.collect())
}

fn seconds(time: Duration) -> Value {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX).into()
}

fn octets(octets: u64) -> Value {
    octets.to_string().into()
}

fn count(count: usize) -> Value {
    i64::try_from(count).unwrap_or(i64::MAX).into()
}

pub(super) fn permissions(permissions: &Permissions) -> Value {
    let allowed = Permission::ALL.into_iter();
    list(
        &allowed
            .filter(|permission| permissions.everywhere().contains(*permission))
            .collect::<Vec<_>>(),
    )
}

pub(super) fn third_party_of(grant: &ThirdPartyGrant) -> Value {
    let ports = grant.privileged_ports.iter();
    let ports = Value::Array(ports.map(|port| i64::from(*port).into()).collect());
    let range = grant.ports.as_ref();
    let range = range.map(|range| ("ports", format!("{}-{}", range.start(), range.end()).into()));
    let paths: Vec<&str> = grant.paths.iter().map(VirtualPath::as_str).collect();
    let paths = (!paths.is_empty()).then(|| ("paths", list(&paths)));
    let tls = grant.tls.then(|| ("tls", true.into()));
    let keys = [
        ("send_to", list(&grant.send_to)),
        ("receive_from", list(&grant.receive_from)),
        ("privileged_ports", ports),
    ];
    let keys = keys.into_iter().chain(range).chain(paths).chain(tls);
    let keys = keys.map(|(key, value)| (key.to_owned(), value));
    Value::Table(keys.collect())
}

fn uploads(uploads: UploadPolicy) -> &'static str {
    match uploads {
        UploadPolicy::Whole => "whole",
        UploadPolicy::Resumable => "resumable",
    }
}

fn durability(durability: Durability) -> &'static str {
    match durability {
        Durability::Process => "process",
        Durability::Power => "power",
    }
}

fn require(require: Require) -> &'static str {
    match require {
        Require::Nothing => "nothing",
        Require::Login => "login",
        Require::Data => "data",
    }
}

fn unpinned(unpinned: Unpinned) -> &'static str {
    match unpinned {
        Unpinned::ControlHost => "control-host",
        Unpinned::Any => "any",
        Unpinned::Refuse => "refuse",
    }
}

fn format_of(format: LogFormat) -> &'static str {
    match format {
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    }
}

fn session_reuse(reuse: SessionReuse) -> &'static str {
    match reuse {
        SessionReuse::Off => "off",
        SessionReuse::Prefer => "prefer",
        SessionReuse::Require => "require",
    }
}

fn peer_verify(verify: PeerVerify) -> &'static str {
    match verify {
        PeerVerify::Ca => "ca",
        PeerVerify::Pinned => "pinned",
        PeerVerify::None => "none",
    }
}
