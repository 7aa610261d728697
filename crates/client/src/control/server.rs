//! Which server, and what a user knows about it beforehand.

use std::net::{IpAddr, SocketAddr};

/// Which server, and what is configured about it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Server {
    /// What it is called in messages and transcripts.
    pub name: String,
    /// Where its server-PI listens.
    pub address: SocketAddr,
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
}
