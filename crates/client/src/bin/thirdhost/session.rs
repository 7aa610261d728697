//! From a place to a logged-in control connection.

use std::net::SocketAddr;

use thirdhost_client::{
    Authorities, Certified, ControlConn, Environment, Error, ExitCode, Pathname, Place, Remote,
    Security, Server, Site,
};

use crate::console::Console;
use crate::credentials;
use crate::failure::Failure;
use crate::sites;

/// Reads a place.
pub(crate) fn place(text: &str) -> Result<Place, Failure> {
    if let Some(remote) = sites::remote(text)? {
        return Ok(Place::Remote(remote));
    }
    // The place is shown without its password.
    Place::parse(text).map_err(|source| Failure::Place {
        place: without_password(text),
        source,
    })
}

/// Reads a place that must be on a server.
pub(crate) fn remote(text: &str) -> Result<Remote, Failure> {
    match place(text)? {
        Place::Remote(remote) => Ok(remote),
        Place::Local(_) => Err(Failure::Usage(format!(
            "{text} is a local path; expected ftp://[user@]host[:port]/path"
        ))),
    }
}

/// The path of a place that must name something.
pub(crate) fn path(remote: &Remote) -> Result<&Pathname, Failure> {
    remote.path.as_ref().ok_or_else(|| {
        Failure::Usage(format!(
            "ftp://{}/ names no file; add its path",
            remote.site()
        ))
    })
}

/// Says which path it was. A server answers 550 to what it does not have and to what it does not
/// allow: which of the two, it is asked.
pub(crate) async fn at(conn: &mut ControlConn, path: &Pathname, source: Error) -> Failure {
    let is_unclear = source
        .reply()
        .is_some_and(|reply| reply.code().number() == 550)
        && source.exit_code() == ExitCode::FileNotFound;
    let is_there = is_unclear && conn.stat(path).await.is_ok();
    let path = path.as_str().to_owned();
    match is_there {
        true => Failure::There { path, source },
        false => Failure::At { path, source },
    }
}

/// Connects and logs in.
pub(crate) async fn open(console: &Console, remote: &Remote) -> Result<ControlConn, Failure> {
    let site = site(console, remote, console.environment()).await?;
    Ok(site.open().await?)
}

/// A server and who logs in there; nothing is called yet.
pub(crate) async fn site(
    console: &Console,
    remote: &Remote,
    environment: &Environment,
) -> Result<Site, Failure> {
    let credentials = credentials::find(console, remote).await?;
    let host = remote.host.clone();
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), remote.port))
        .await
        .map_err(|source| Failure::Resolve {
            host: host.clone(),
            source,
        })?
        .collect();
    if addresses.is_empty() {
        return Err(Failure::NoAddress(host));
    }
    let configured = match &remote.label {
        Some(label) => sites::find(label)?.unwrap_or_default(),
        None => sites::Site::default(),
    };
    let certified = certified(&configured)?;
    let security = match remote.security {
        Security::Offered if console.wants_clear_text() => Security::ClearText,
        security => security,
    };
    let server = |address| {
        let name = remote.label.clone().unwrap_or_else(|| remote.site());
        let mut server = Server::at(address).named(name);
        server.data_host = configured.data_host;
        server.trust_pasv_address = configured.trust_pasv_address;
        server.host = Some(host.clone());
        server.security = security;
        server.certified = certified.clone();
        server
    };
    let servers = addresses.into_iter().map(server).collect();
    Ok(Site::new(environment.clone(), servers, credentials))
}

/// What the site's configuration says of its certificate.
fn certified(site: &sites::Site) -> Result<Certified, Failure> {
    match (site.fingerprint, &site.ca_file) {
        (Some(fingerprint), _) => Ok(Certified::Pinned(fingerprint)),
        (None, Some(file)) => Ok(Certified::By(Authorities::load(&sites::beside(file))?)),
        (None, None) => Ok(Certified::Known),
    }
}

fn without_password(text: &str) -> String {
    match text
        .split_once("://")
        .and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?)))
    {
        Some((scheme, (user, rest))) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{rest}")
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_place_is_shown_without_its_password() {
        assert_eq!(without_password("ftp://u:secret@h/a?b"), "ftp://u@h/a?b");
        assert_eq!(without_password("ftp://u:p@ss@h/a"), "ftp://u@h/a");
        assert_eq!(without_password("ftp://h/a"), "ftp://h/a");
    }
}
