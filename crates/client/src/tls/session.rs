//! The TLS of one control connection: its handshakes, and what is believed of the server.

use std::io;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, SupportedProtocolVersion};
use rustls_pki_types::ServerName;
use thirdhost_sockets::Connection;
use tokio_rustls::TlsConnector;

use super::connection::TlsConnection;
use super::judge::{Judge, distrust_in};
use super::{Distrust, Fingerprint, Trust};
use crate::Server;

/// What one control connection and its data connections have in common.
#[derive(Clone, Debug)]
pub(crate) struct TlsSession {
    control: Arc<ClientConfig>,
    data: Arc<ClientConfig>,
    name: ServerName<'static>,
    judge: Arc<Judge>,
}

impl TlsSession {
    /// The rules for a server; nothing is said to it.
    ///
    /// # Errors
    /// When they cannot be put together.
    pub(crate) fn new(trust: &Arc<Trust>, server: &Server) -> Result<Self, rustls::Error> {
        let certified = server.certified.clone();
        let judge = Judge::new(server.known_as(), certified, Arc::clone(trust));
        let judge = Arc::new(judge);
        let mut config = ClientConfig::builder_with_provider(Arc::clone(trust.provider()))
            .with_protocol_versions(VERSIONS)?
            .dangerous()
            .with_custom_certificate_verifier(judge.clone())
            .with_no_client_auth();
        // A store of its own: what is resumed can only be this control connection's session.
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        // SECURITY: a server of another protocol that sees this ends the handshake (spec S-38).
        config.alpn_protocols = vec![ALPN_CONTROL.to_vec()];
        let mut data = config.clone();
        data.alpn_protocols = vec![ALPN_DATA.to_vec(), ALPN_CONTROL.to_vec()];
        let host = server.address.ip().to_canonical();
        let name = server
            .host
            .clone()
            .and_then(|host| ServerName::try_from(host).ok());
        Ok(Self {
            control: Arc::new(config),
            data: Arc::new(data),
            name: name.unwrap_or_else(|| ServerName::from(host)),
            judge,
        })
    }

    /// The handshake on the control connection. No time limit.
    ///
    /// # Errors
    /// When it fails; [`TlsSession::distrust`] says whether the certificate was the reason.
    pub(crate) async fn on_control(
        &self,
        connection: Box<dyn Connection>,
    ) -> io::Result<Box<dyn Connection>> {
        self.handshake(&self.control, connection).await
    }

    /// The handshake on a data connection. No time limit.
    ///
    /// # Errors
    /// As [`TlsSession::on_control`].
    pub(crate) async fn on_data(
        &self,
        connection: Box<dyn Connection>,
    ) -> io::Result<Box<dyn Connection>> {
        self.handshake(&self.data, connection).await
    }

    /// Keeps a certificate that was believed on first use; returns which, if it was one.
    ///
    /// # Errors
    /// When `known_servers` cannot be written.
    pub(crate) fn remember(&self) -> io::Result<Option<Fingerprint>> {
        self.judge.remember()
    }

    /// The certificate of the server, after the handshake on the control connection.
    pub(crate) fn fingerprint(&self) -> Option<Fingerprint> {
        self.judge.accepted()
    }

    /// Why the certificate was not believed, if that was why a handshake failed.
    pub(crate) fn distrust(error: &io::Error) -> Option<Distrust> {
        distrust_in(error)
    }

    async fn handshake(
        &self,
        config: &Arc<ClientConfig>,
        connection: Box<dyn Connection>,
    ) -> io::Result<Box<dyn Connection>> {
        let connector = TlsConnector::from(Arc::clone(config));
        let stream = connector.connect(self.name.clone(), connection).await?;
        Ok(Box::new(TlsConnection::new(stream)))
    }
}

/// Spec S-35. Early data stays off, as it is by default; rustls has neither renegotiation nor
/// compression of records.
const VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// One server; the store wants to know how many.
const SESSIONS: usize = 1;

/// RFC 7301's registry.
const ALPN_CONTROL: &[u8] = b"ftp";

/// What FileZilla's server wants to hear on data connections.
const ALPN_DATA: &[u8] = b"ftp-data";
