//! A server that is called as often as needed: for several files at once, and again after a loss.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Location;
use super::walk::Entry;
use crate::{ControlConn, Credentials, Environment, Error, Interrupt, Server};

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
    /// What a look before the copy leaves for it; clones share it.
    left: Arc<Mutex<Left>>,
}

#[derive(Debug, Default)]
struct Left {
    conn: Option<ControlConn>,
    /// What was at one place a moment ago.
    seen: Option<(Location, Option<Entry>)>,
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
            left: Arc::default(),
        }
    }

    /// What the server is called.
    #[must_use]
    pub fn name(&self) -> &str {
        self.servers.first().map_or("", |server| &server.name)
    }

    /// Calls and logs in, or takes the connection that a look before has left.
    ///
    /// # Errors
    /// Those of [`ControlConn::connect`] at the last address, and of [`ControlConn::login`].
    pub async fn open(&self) -> Result<ControlConn, Error> {
        let mut conn = self.begin().await?;
        conn.confirm().await?;
        Ok(conn)
    }

    /// The same, but the server may still owe its word to the login; the next reply tells.
    pub(super) async fn begin(&self) -> Result<ControlConn, Error> {
        let left = self.left().conn.take();
        if let Some(conn) = left.filter(ControlConn::is_usable) {
            return Ok(conn);
        }
        let mut last = Error::Connect {
            server: self.name().to_owned(),
            source: std::io::ErrorKind::AddrNotAvailable.into(),
        };
        for server in &self.servers {
            match ControlConn::connect(&self.environment, server.clone()).await {
                Ok(mut conn) => {
                    conn.begin_login(&self.credentials).await?;
                    return Ok(conn);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The same server for what is still to be done when the person stops.
    pub(super) fn past_the_stop(&self) -> Self {
        let mut site = self.clone();
        site.environment.interrupt = Interrupt::default();
        site.left = Arc::default();
        site
    }

    /// Keeps a connection for whoever opens the next.
    pub(super) async fn leave(&self, conn: ControlConn) {
        let before = match conn.is_usable() {
            true => self.left().conn.replace(conn),
            false => None,
        };
        if let Some(before) = before {
            before.quit().await.ok();
        }
    }

    /// Ends the connection that a look before has left, where the copy does not follow soon.
    pub async fn close(&self) {
        let left = self.left().conn.take();
        if let Some(conn) = left {
            conn.quit().await.ok();
        }
    }

    /// Keeps what was seen for the copy that follows.
    pub(super) fn note(&self, at: &Location, seen: Option<Entry>) {
        self.left().seen = Some((at.clone(), seen));
    }

    /// Whether it was looked at a moment ago.
    pub(super) fn has_noted(&self, at: &Location) -> bool {
        let left = self.left();
        left.seen.as_ref().is_some_and(|(place, _)| place == at)
    }

    /// What was seen there a moment ago, if it was looked at; told once.
    pub(super) fn noted(&self, at: &Location) -> Option<Option<Entry>> {
        let seen = self.left().seen.take();
        seen.filter(|(place, _)| place == at).map(|(_, seen)| seen)
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
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
