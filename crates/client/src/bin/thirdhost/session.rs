//! From a place to a logged-in control connection.

use std::net::SocketAddr;

use thirdhost_client::{ControlConn, Pathname, Place, Remote, Server};

use crate::console::Console;
use crate::credentials;
use crate::failure::Failure;

/// Reads a place.
pub(crate) fn place(text: &str) -> Result<Place, Failure> {
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

/// Connects and logs in.
pub(crate) async fn open(console: &Console, remote: &Remote) -> Result<ControlConn, Failure> {
    let credentials = credentials::find(console, remote)?;
    let mut conn = connect(console, remote).await?;
    if !conn.peer().ip().to_canonical().is_loopback() {
        console.note(&format!(
            "{} is spoken to in clear text: passwords and files can be read on the way",
            remote.site()
        ));
    }
    conn.login(&credentials).await?;
    Ok(conn)
}

async fn connect(console: &Console, remote: &Remote) -> Result<ControlConn, Failure> {
    let host = remote.host.clone();
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), remote.port))
        .await
        .map_err(|source| Failure::Resolve {
            host: host.clone(),
            source,
        })?
        .collect();
    let mut last = Failure::NoAddress(host);
    for address in addresses {
        let server = Server::at(address).named(remote.site());
        match ControlConn::connect(console.environment(), server).await {
            Ok(conn) => return Ok(conn),
            Err(error) => last = error.into(),
        }
    }
    Err(last)
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
