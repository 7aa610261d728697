//! Why TLS did not come about, and what the user is told of it.

use std::io;
use std::time::Duration;

use thirdhost_proto::server::TlsFailure;

/// A connection that was to be under TLS and is not. Nothing has gone over it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The far side was too slow (spec S-39a).
    #[error("no TLS handshake within {after:?}")]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// The handshake failed, or the connection broke in it.
    #[error("the TLS handshake failed")]
    Handshake(#[source] io::Error),
    /// The far side's certificate is not acceptable.
    #[error("the peer did not prove to be the one expected")]
    Peer(#[source] rustls::Error),
    /// Nothing says which certificate the peer has, and the operator wants that said.
    #[error("no fingerprint was given for the peer and tls.peer_verify is \"pinned\"")]
    Unnamed,
    /// The TLS session of the control connection was not resumed (spec D-24).
    #[error("the TLS session of the control connection was not resumed")]
    NotResumed,
    /// Our own rules cannot be put together.
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

impl TlsError {
    /// What the user is told.
    pub(crate) fn failure(&self) -> TlsFailure {
        match self {
            Self::Peer(_) | Self::Unnamed => TlsFailure::Peer,
            Self::NotResumed => TlsFailure::NotResumed,
            Self::TimedOut { .. } | Self::Handshake(_) | Self::Setup(_) => TlsFailure::Handshake,
        }
    }
}

impl From<io::Error> for TlsError {
    fn from(error: io::Error) -> Self {
        let cause = error
            .get_ref()
            .and_then(|cause| cause.downcast_ref::<rustls::Error>());
        match cause {
            Some(
                cause @ (rustls::Error::InvalidCertificate(_)
                | rustls::Error::NoCertificatesPresented),
            ) => Self::Peer(cause.clone()),
            _ => Self::Handshake(error),
        }
    }
}
