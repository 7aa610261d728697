//! A server that is called as often as needed: for several files at once, and again after a loss.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{ControlConn, Credentials, Environment, Error, Server};

/// A server and who logs in there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Site {
    environment: Environment,
    /// The server under each of its addresses.
    servers: Vec<Server>,
    credentials: Credentials,
    /// A file cannot be renamed here, or not arrive under another name; clones share it.
    renames_nothing: Arc<AtomicBool>,
}

impl Site {
    /// A server, by the addresses its name has, in the order they are tried.
    #[must_use]
    pub fn new(environment: Environment, servers: Vec<Server>, credentials: Credentials) -> Self {
        Self {
            environment,
            servers,
            credentials,
            renames_nothing: Arc::default(),
        }
    }

    /// What the server is called.
    #[must_use]
    pub fn name(&self) -> &str {
        self.servers.first().map_or("", |server| &server.name)
    }

    /// Calls and logs in.
    ///
    /// # Errors
    /// Those of [`ControlConn::connect`] at the last address, and of [`ControlConn::login`].
    pub async fn open(&self) -> Result<ControlConn, Error> {
        let mut last = Error::Connect {
            server: self.name().to_owned(),
            source: std::io::ErrorKind::AddrNotAvailable.into(),
        };
        for server in &self.servers {
            match ControlConn::connect(&self.environment, server.clone()).await {
                Ok(mut conn) => {
                    conn.login(&self.credentials).await?;
                    return Ok(conn);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Whether files have to arrive under their own names.
    pub(super) fn renames_nothing(&self) -> bool {
        self.renames_nothing.load(Ordering::Relaxed)
    }

    /// Notes that files have to arrive under their own names.
    pub(super) fn rename_nothing(&self) {
        self.renames_nothing.store(true, Ordering::Relaxed);
    }
}
