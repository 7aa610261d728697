//! Handshakes refused in which the client means another server: key `strict_sni`. Spec S-38.

use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use thirdhost_wire::HostName;

/// Shows the certificate to clients that name one of `names`, or none: a browser that was sent
/// here by way of another server's name gets no handshake.
#[derive(Debug)]
pub(super) struct Strict {
    names: Vec<HostName>,
    shown: Arc<SingleCertAndKey>,
}

impl Strict {
    pub(super) fn new(names: Vec<HostName>, shown: Arc<SingleCertAndKey>) -> Self {
        Self { names, shown }
    }
}

impl ResolvesServerCert for Strict {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if let Some(name) = hello.server_name() {
            let known = name.parse().is_ok_and(|name| self.names.contains(&name));
            if !known {
                tracing::warn!(name, "a client called another server's name; refused");
                return None;
            }
        }
        self.shown.resolve(hello)
    }
}
