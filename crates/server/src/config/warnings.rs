//! What a configuration allows that its operator may not have meant.

use std::net::SocketAddr;
use std::path::Path;

use thirdhost_proto::server::Unpinned;

use super::{Config, PeerVerify, Require};
use crate::accounts::{LoginBy, User};

/// Sentences for the operator, the gravest first.
pub(super) fn of(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    let beyond: Vec<&SocketAddr> = config
        .listen
        .iter()
        .filter(|address| !address.ip().to_canonical().is_loopback())
        .collect();
    if let Some(address) = beyond.first() {
        warnings.extend(clear_text(config, address));
    }
    if config.roll.users.is_empty() && config.roll.anonymous.is_none() {
        warnings.push("nobody can log in: there is no user and no [anonymous]".to_owned());
    }
    warnings.extend(
        config
            .roll
            .users
            .iter()
            .flat_map(|user| of_user(config, user)),
    );
    if config.roll.hashes_differ_in_cost() {
        warnings.push(
            "some password hashes are cheaper than others, so that the time of a refusal tells \
             these users from unknown ones; set their passwords again"
                .to_owned(),
        );
    }
    if config.data_sockets.unpinned == Unpinned::Any {
        warnings.push(
            "data.lstn_unpinned = \"any\": until SOCK comes, LSTN, PASV and EPSV accept \
             every host that the user's third_party names"
                .to_owned(),
        );
    }
    if let Some(address) = config
        .metrics
        .filter(|address| !address.ip().to_canonical().is_loopback())
    {
        warnings.push(format!(
            "metrics.listen: whoever reaches {address} can read how much is transferred"
        ));
    }
    warnings.extend(config.log.xferlog.as_deref().and_then(not_openable));
    if let Some(file) = config
        .users_file
        .as_deref()
        .filter(|file| others_may_read(file))
    {
        let file = file.display();
        warnings.push(format!(
            "{file} holds password hashes and others may read it; chmod 600"
        ));
    }
    let key = config.tls.key_file.as_deref();
    if let Some(file) = key.filter(|file| others_may_read(file)) {
        let file = file.display();
        warnings.push(format!(
            "{file} is a private key and others may read it; chmod 600"
        ));
    }
    if config.tls.certificate.is_some() && config.tls.peer_verify == PeerVerify::None {
        warnings.push(
            "tls.peer_verify = \"none\": under TLS to a third host, nothing proves which host it \
             is unless SITE PEERCERT names its certificate"
                .to_owned(),
        );
    }
    warnings
}

fn not_openable(xferlog: &Path) -> Option<String> {
    // A name alone has no parent, and is in the directory that the process was started in.
    let directory = xferlog
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let is_there = directory.unwrap_or(Path::new(".")).is_dir();
    let file = xferlog.display();
    let problem = format!("log.xferlog: the directory of {file} is not there; nothing will start");
    (!is_there).then_some(problem)
}

/// What keeps a user from what the configuration seems to promise.
fn of_user(config: &Config, user: &User) -> Vec<String> {
    let mut warnings = Vec::new();
    let name = &user.account.name;
    let login = user.account.admission.login;
    let by_certificate = !user.account.admission.certificates.is_empty();
    if by_certificate && config.tls.certificate.is_none() {
        warnings.push(format!(
            "user {name:?} has certificates, which count under TLS alone, and there is no \
             tls.certificate"
        ));
    } else if user.password.is_none() && !(by_certificate && login == LoginBy::Either) {
        warnings.push(format!("user {name:?} has no password and cannot log in"));
    }
    if !config.root.join(&user.account.home).is_dir() {
        warnings.push(format!(
            "the home of user {name:?} is no directory beneath root"
        ));
    }
    warnings
}

/// Design D15: what clear text means for this configuration is said plainly.
fn clear_text(config: &Config, address: &SocketAddr) -> Option<String> {
    let passwords = !config.roll.users.is_empty();
    match config.tls.require {
        Require::Nothing if passwords => Some(format!(
            "tls.require = \"nothing\" and {address} is not loopback: passwords and files travel \
             in clear"
        )),
        Require::Login | Require::Data if config.tls.certificate.is_some() => None,
        Require::Login if passwords => Some(format!(
            "there is no certificate and {address} is not loopback: password logins from other \
             hosts will be refused; tls.require = \"nothing\" would let passwords travel in clear"
        )),
        Require::Data => Some(format!(
            "there is no certificate and {address} is not loopback: password logins and \
             transfers with other hosts will be refused (tls.require = \"data\")"
        )),
        Require::Nothing | Require::Login => None,
    }
}

#[cfg(unix)]
fn others_may_read(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_may_read(_: &Path) -> bool {
    false
}
