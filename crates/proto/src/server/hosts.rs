//! The names that a server goes by, for HOST. RFC 7151.

use std::net::IpAddr;

use thirdhost_wire::HostName;

/// The names of one server, as one session sees them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hosts {
    /// Our address on the control connection: by it the user has found us.
    pub address: Option<IpAddr>,
    /// The name by which the client called us in the TLS handshake (SNI): HOST has to name the
    /// same one (RFC 7151 section 4).
    pub indicated: Option<HostName>,
    /// The names the operator has listed. While there are none, every name is one of ours.
    pub names: Vec<HostName>,
}

impl Hosts {
    /// Whether `host` is this server.
    #[must_use]
    pub fn serve(&self, host: &HostName) -> bool {
        let same = self
            .indicated
            .as_ref()
            .is_none_or(|indicated| indicated == host);
        let known = self.names.is_empty()
            || self.names.contains(host)
            || (host.address().is_some() && host.address() == self.address);
        same && known
    }
}
