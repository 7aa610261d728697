//! Which servers are spoken to under TLS, and which certificates are believed.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls_platform_verifier::Verifier;

use super::known_servers::KnownServers;
use super::{Authorities, Fingerprint};

/// When a control connection comes under TLS, and its data connections with it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Security {
    /// AUTH TLS before the login, wherever it is offered. On loopback nothing is asked. Clear
    /// text stays where the server has no TLS, is not in `known_servers` and has no pin.
    #[default]
    Offered,
    /// AUTH TLS before the login, or nothing (RFC 4217 section 4).
    Explicit,
    /// TLS from the first octet on.
    Implicit,
    /// Clear text, though TLS be offered: passwords and files can be read on the way.
    ClearText,
}

/// Which certificate a server has to show.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Certified {
    /// One that the platform's roots vouch for, or that is in `known_servers`.
    #[default]
    Known,
    /// This one, whoever vouches for it.
    Pinned(Fingerprint),
    /// One that these vouch for, and no other authority.
    By(Authorities),
}

/// What is believed of servers of which nothing else is said: the platform's roots, and the
/// certificates that were seen before.
#[derive(Debug)]
pub struct Trust {
    known: Option<KnownServers>,
    accept_new: bool,
    roots: OnceLock<Result<Arc<Verifier>, rustls::Error>>,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    /// The platform's roots alone.
    #[must_use]
    pub fn roots_alone() -> Self {
        Self {
            known: None,
            accept_new: false,
            roots: OnceLock::new(),
            provider: Arc::new(default_provider()),
        }
    }

    /// The same, and the certificates in this file, one `host:port SHA256 <hex>` a line. With
    /// `accept_new` those of servers that are not in it yet are believed and added (trust on
    /// first use); one that has changed is never believed.
    #[must_use]
    pub fn with_known_servers(self, file: PathBuf, accept_new: bool) -> Self {
        Self {
            known: Some(KnownServers::at(file)),
            accept_new,
            ..self
        }
    }

    /// Whether servers seen for the first time are believed.
    #[must_use]
    pub fn accepts_new(&self) -> bool {
        self.accept_new
    }

    pub(super) fn known(&self) -> Option<&KnownServers> {
        self.known.as_ref()
    }

    /// Where certificates are kept that were believed on first use.
    pub(crate) fn known_path(&self) -> PathBuf {
        self.known()
            .map_or_else(PathBuf::new, |known| known.path().to_owned())
    }

    pub(super) fn provider(&self) -> &Arc<CryptoProvider> {
        &self.provider
    }

    /// The platform's roots, read once.
    pub(super) fn roots(&self) -> Result<Arc<Verifier>, rustls::Error> {
        let roots = self.roots.get_or_init(|| {
            let verifier = Verifier::new(Arc::clone(&self.provider));
            verifier.map(Arc::new)
        });
        roots.clone()
    }

    /// Whether this server was spoken to under TLS before; a file that cannot be read says yes.
    pub(crate) fn knows(&self, server: &str) -> bool {
        let of = |known: &KnownServers| known.of(server);
        self.known()
            .is_some_and(|known| of(known).map_or(true, |found| !found.is_empty()))
    }
}
