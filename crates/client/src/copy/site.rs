//! A server that is called as often as needed: for several files at once, and again after a loss.

use crate::{ControlConn, Credentials, Environment, Error, Server};

/// A server and who logs in there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Site {
    environment: Environment,
    /// The server under each of its addresses.
    servers: Vec<Server>,
    credentials: Credentials,
}

impl Site {
    /// A server, by the addresses its name has, in the order they are tried.
    #[must_use]
    pub fn new(environment: Environment, servers: Vec<Server>, credentials: Credentials) -> Self {
        Self {
            environment,
            servers,
            credentials,
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
}
