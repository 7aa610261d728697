//! What all sessions share of TLS: the certificate in force, the tickets, the operator's rules.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use ipnet::IpNet;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ServerConfig, SupportedProtocolVersion};
use rustls_platform_verifier::Verifier;
use thirdhost_sockets::Random;
use thirdhost_wire::HostName;

use super::strict::Strict;
use super::tickets::Tickets;
use super::verify::OnePeer;
use super::{Certificate, TlsError, TlsSession};
use crate::config::{PeerVerify, SessionReuse, Tls};

/// The TLS of a server.
#[derive(Debug)]
pub(crate) struct Site {
    certificate: RwLock<Option<Certificate>>,
    tickets: Tickets,
    reuse: SessionReuse,
    peers: PeerVerify,
    /// Names that a client may call us by; `None`: any (key `strict_sni`).
    names: RwLock<Option<Vec<HostName>>>,
    close_notify_waived: Vec<IpNet>,
    provider: Arc<CryptoProvider>,
}

impl Site {
    pub(crate) fn new(config: &Tls, hosts: &[HostName]) -> Self {
        let tickets = match config.session_reuse {
            SessionReuse::Off => Tickets::none(),
            SessionReuse::Prefer | SessionReuse::Require => {
                Tickets::new().unwrap_or_else(|error| {
                    tracing::error!(%error, "no session tickets");
                    Tickets::none()
                })
            }
        };
        Self {
            certificate: RwLock::new(config.certificate.clone()),
            tickets,
            reuse: config.session_reuse,
            peers: config.peer_verify,
            names: RwLock::new(names(config, hosts)),
            close_notify_waived: config.close_notify_waived.clone(),
            provider: Arc::new(default_provider()),
        }
    }

    /// Sessions that begin from now on show this certificate; the others go on with theirs.
    pub(crate) fn replace(&self, certificate: Option<Certificate>) {
        // The value is whole at every moment a panic could strike.
        *self
            .certificate
            .write()
            .unwrap_or_else(PoisonError::into_inner) = certificate;
    }

    /// Handshakes of control connections that begin from now on go by these names.
    pub(crate) fn rename(&self, config: &Tls, hosts: &[HostName]) {
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = names(config, hosts);
    }

    /// The TLS of a session that begins; none where there is no certificate.
    pub(crate) fn session(self: &Arc<Self>, random: &dyn Random) -> Option<TlsSession> {
        let certificate = self
            .certificate
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()?;
        Some(TlsSession::new(Arc::clone(self), certificate, random))
    }

    pub(super) fn reuse(&self) -> SessionReuse {
        self.reuse
    }

    /// Whether a third host is refused whose certificate nobody named.
    pub(super) fn wants_fingerprints(&self) -> bool {
        self.peers == PeerVerify::Pinned
    }

    pub(super) fn tickets(&self) -> &Tickets {
        &self.tickets
    }

    /// Whether a file from `host` may end without close_notify (spec S-33).
    pub(super) fn waives_close_notify(&self, host: IpAddr) -> bool {
        let networks = &self.close_notify_waived;
        networks.iter().any(|network| network.contains(&host))
    }

    /// The rules of a TLS server on a control connection.
    pub(super) fn control(
        &self,
        certificate: &Certificate,
        callers: Callers,
    ) -> Result<ServerConfig, TlsError> {
        let mut config = self.server(certificate, callers)?;
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = names.clone() {
            config.cert_resolver = Arc::new(Strict::new(names, certificate.shown()));
        }
        Ok(config)
    }

    /// The rules of a TLS server that shows `certificate`.
    pub(super) fn server(
        &self,
        certificate: &Certificate,
        callers: Callers,
    ) -> Result<ServerConfig, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(VERSIONS)
            .map_err(TlsError::Setup)?;
        let provider = Arc::clone(&self.provider);
        let asked = match callers {
            Callers::Unasked => {
                let builder = builder.with_no_client_auth();
                return Ok(builder.with_cert_resolver(certificate.shown()));
            }
            Callers::Asked => OnePeer::optional(provider),
            Callers::Only(peer) => OnePeer::new(peer, provider),
        };
        let verifier: Arc<dyn ClientCertVerifier> = Arc::new(asked);
        let builder = builder.with_client_cert_verifier(verifier);
        Ok(builder.with_cert_resolver(certificate.shown()))
    }

    /// The rules of a TLS client that shows `certificate` when asked.
    pub(super) fn client(
        &self,
        certificate: &Certificate,
        peer: Option<[u8; 32]>,
    ) -> Result<ClientConfig, TlsError> {
        let verifier: Arc<dyn ServerCertVerifier> = match (peer, self.peers) {
            (Some(peer), _) => Arc::new(OnePeer::new(peer, Arc::clone(&self.provider))),
            (None, PeerVerify::Ca) => {
                let roots = Verifier::new(Arc::clone(&self.provider)).map_err(TlsError::Setup)?;
                Arc::new(roots)
            }
            (None, PeerVerify::Pinned) => return Err(TlsError::Unnamed),
            (None, PeerVerify::None) => {
                tracing::warn!("tls.peer_verify = \"none\": the peer proves nothing");
                Arc::new(OnePeer::anyone(Arc::clone(&self.provider)))
            }
        };
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(VERSIONS)
            .map_err(TlsError::Setup)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(certificate.shown());
        // Every peer is asked for its certificate every time.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(config)
    }
}

fn names(config: &Tls, hosts: &[HostName]) -> Option<Vec<HostName>> {
    config.strict_sni.then(|| hosts.to_vec())
}

/// Which clients a TLS server takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Callers {
    /// All; none is asked for a certificate.
    Unasked,
    /// All; each is asked for a certificate and may have none.
    Asked,
    /// The one that shows the certificate of this SHA-256.
    Only([u8; 32]),
}

/// Spec S-35. Early data stays off, as it is by default; rustls has neither renegotiation nor
/// compression of records.
const VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
