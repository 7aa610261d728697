//! Which server, and what a user knows about it beforehand.

use std::net::{IpAddr, SocketAddr};

use crate::{Certified, Security};

/// Which server, and what is configured about it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Server {
    /// What it is called in messages and transcripts.
    pub name: String,
    /// Where its server-PI listens.
    pub address: SocketAddr,
    /// The name its certificate has to hold; its address if there is none.
    pub host: Option<String>,
    /// When it is spoken to under TLS.
    pub security: Security,
    /// Which certificate it has to show.
    pub certified: Certified,
    /// Where other servers reach it, if not at `address` (spec U-7).
    pub data_host: Option<IpAddr>,
    /// Whether a 227 address that is not its own is passed on to another server (spec S-20).
    pub trust_pasv_address: bool,
    /// Whether it may name data ports below 1024 (spec S-22).
    pub low_ports: bool,
}

impl Server {
    /// A server known by its address alone.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        Self {
            name: address.to_string(),
            address,
            host: None,
            security: Security::default(),
            certified: Certified::default(),
            data_host: None,
            trust_pasv_address: false,
            low_ports: false,
        }
    }

    /// The same under another name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..self
        }
    }

    /// The same, spoken to under TLS when `security` says so.
    #[must_use]
    pub fn secured(self, security: Security) -> Self {
        Self { security, ..self }
    }

    /// What `known_servers` knows it by.
    pub(crate) fn known_as(&self) -> String {
        let port = self.address.port();
        match &self.host {
            Some(host) if host.contains(':') => format!("[{host}]:{port}"),
            Some(host) => format!("{host}:{port}"),
            None => self.address.to_string(),
        }
    }
}
