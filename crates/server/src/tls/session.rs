//! The TLS of one session: its certificate, its ticket mark, its handshakes.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{Either, select};
use rustls::ServerConnection;
use rustls_pki_types::ServerName;
use thirdhost_proto::server::TlsRole;
use thirdhost_sockets::{Clock, Connection, Random};
use thirdhost_wire::Direction;
use tokio::io::AsyncWriteExt;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::ahead::Ahead;
use super::site::Callers;
use super::{Certificate, Site, TlsConnection, TlsError};
use crate::config::SessionReuse;
use crate::limits::HANDSHAKE_TIMEOUT;

/// What one session needs for its handshakes.
#[derive(Clone, Debug)]
pub(crate) struct TlsSession {
    site: Arc<Site>,
    certificate: Certificate,
    /// Sealed into every ticket, so that a resumed session is known to be this one's (D-25).
    mark: [u8; 16],
}

impl TlsSession {
    pub(super) fn new(site: Arc<Site>, certificate: Certificate, random: &dyn Random) -> Self {
        let octet = || u8::try_from(random.below(256)).unwrap_or_default();
        Self {
            site,
            certificate,
            mark: std::array::from_fn(|_| octet()),
        }
    }

    /// The handshake on the control connection, as TLS server; with `asks` the client is asked
    /// for a certificate, which it need not have.
    ///
    /// # Errors
    /// When it fails or takes too long; the connection is closed.
    pub(crate) async fn accept_control(
        &self,
        connection: Box<dyn Connection>,
        asks: bool,
        clock: &dyn Clock,
    ) -> Result<TlsConnection, TlsError> {
        let callers = if asks {
            Callers::Asked
        } else {
            Callers::Unasked
        };
        let mut config = self.site.control(&self.certificate, callers)?;
        // SECURITY: a client that means another protocol and says so is refused (spec S-38).
        config.alpn_protocols = vec![ALPN_CONTROL.to_vec()];
        self.site.tickets().for_control(&mut config);
        let mark = self.mark;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let handshake = acceptor.accept_with(connection, |tls| tls.set_resumption_data(&mark));
        let stream = in_time(handshake, clock).await?;
        Ok(TlsConnection::new(stream.into()))
    }
}

/// One handshake on a data connection, owned, so that a transfer can outlive a borrow.
#[derive(Clone, Debug)]
pub(crate) struct DataHandshake {
    pub(crate) session: TlsSession,
    /// Which part we play.
    pub(crate) role: TlsRole,
    /// The certificate the peer has to show.
    pub(crate) peer: Option<[u8; 32]>,
    /// Whether SOCK has pinned the peer's port too (spec D-24).
    pub(crate) pinned: bool,
    /// Which way the file goes.
    pub(crate) direction: Direction,
    /// The far end of the control connection.
    pub(crate) control_host: IpAddr,
    pub(crate) clock: Arc<dyn Clock>,
    /// Told when what came over the connection ended without close_notify, where that is waived.
    pub(crate) cut: Arc<AtomicBool>,
}

impl DataHandshake {
    /// Whether it will be refused, whoever comes: the operator demands a fingerprint of third hosts
    /// and of those called, and none was told. `host` is the far end, where it is known.
    pub(crate) fn is_unnamed(&self, host: Option<IpAddr>) -> bool {
        let third = host.is_some_and(|host| self.is_third_party(host.to_canonical()));
        let asks = third || self.pinned || self.role == TlsRole::Client;
        asks && self.peer.is_none() && self.session.site.wants_fingerprints()
    }

    /// Whether a file has ended without close_notify, which is waived for its source: somebody may
    /// have cut it.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }

    /// Makes the handshake.
    ///
    /// # Errors
    /// When it fails, takes too long, or the peer is not the one it has to be. Nothing has gone
    /// over the connection then, which is closed.
    pub(crate) async fn run(
        &self,
        connection: Box<dyn Connection>,
    ) -> Result<Box<dyn Connection>, TlsError> {
        let connection = match self.direction {
            Direction::Receive => Box::new(Ahead::new(connection)),
            Direction::Send => connection,
        };
        let stream = match self.role {
            TlsRole::Server => self.accept(connection).await?,
            TlsRole::Client => self.connect(connection).await?,
        };
        Ok(Box::new(stream))
    }

    async fn accept(&self, connection: Box<dyn Connection>) -> Result<TlsConnection, TlsError> {
        let session = &self.session;
        let site = &session.site;
        let host = connection.peer().ip().to_canonical();
        if self.is_third_party(host) && self.peer.is_none() && site.wants_fingerprints() {
            return Err(TlsError::Unnamed);
        }
        let callers = self.peer.map_or(Callers::Unasked, Callers::Only);
        let mut config = site.server(&session.certificate, callers)?;
        config.alpn_protocols = vec![ALPN_DATA.to_vec(), ALPN_CONTROL.to_vec()];
        if self.peer.is_none() {
            site.tickets().for_data(&mut config, self.tickets_given());
        } else {
            config.send_tls13_tickets = 0;
        }
        let mark = session.mark;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let handshake = acceptor.accept_with(connection, |tls| tls.set_resumption_data(&mark));
        let stream = in_time(handshake, &*self.clock).await?;
        let resumed = is_resumed(stream.get_ref().1, &mark);
        tracing::debug!(resumed, "data connection under TLS");
        let mut protected = TlsConnection::new(stream.into());
        if site.waives_close_notify(host) {
            protected.waive_close_notify(Arc::clone(&self.cut));
        }
        if !resumed && self.has_to_resume(host) {
            // Ended in order: clients then read the 522, which says why, and not a broken TLS. It
            // is the user's own host, which hears that no file has come.
            protected.reset_on_death(false);
            in_time(protected.shutdown(), &*self.clock).await?;
            return Err(TlsError::NotResumed);
        }
        Ok(protected)
    }

    async fn connect(&self, connection: Box<dyn Connection>) -> Result<TlsConnection, TlsError> {
        let session = &self.session;
        let config = session.site.client(&session.certificate, self.peer)?;
        // The names in a PKI certificate have to hold the address that was called (spec D-22).
        let host = ServerName::from(connection.peer().ip().to_canonical());
        let handshake = TlsConnector::from(Arc::new(config)).connect(host, connection);
        let stream = in_time(handshake, &*self.clock).await?;
        Ok(TlsConnection::new(stream.into()))
    }

    /// A file that comes in ends with the client closing; a ticket it has not read by then would
    /// turn the close into a reset and cost the file its tail. Where resumption is demanded, a
    /// client that uses each ticket once needs a new one all the same.
    fn tickets_given(&self) -> usize {
        let receiving = self.direction == Direction::Receive;
        usize::from(!receiving || self.session.site.reuse() == SessionReuse::Require)
    }

    /// Spec D-24: a third host never had a session with us; there the pin takes its place.
    fn has_to_resume(&self, host: IpAddr) -> bool {
        if self.session.site.reuse() != SessionReuse::Require {
            return false;
        }
        let waived = self.is_third_party(host);
        if waived {
            tracing::info!("session_reuse waived: the data connection is a third host's");
        }
        !waived
    }

    fn is_third_party(&self, host: IpAddr) -> bool {
        self.pinned || self.peer.is_some() || host != self.control_host
    }
}

/// Whether the client resumed a TLS session of this control connection (spec S-37).
fn is_resumed(tls: &ServerConnection, mark: &[u8]) -> bool {
    tls.received_resumption_data() == Some(mark)
}

async fn in_time<T>(
    handshake: impl Future<Output = std::io::Result<T>>,
    clock: &dyn Clock,
) -> Result<T, TlsError> {
    match select(pin!(handshake), clock.sleep(HANDSHAKE_TIMEOUT)).await {
        Either::Left((outcome, _)) => Ok(outcome?),
        Either::Right(_) => Err(TlsError::TimedOut {
            after: HANDSHAKE_TIMEOUT,
        }),
    }
}

/// RFC 7301's registry.
const ALPN_CONTROL: &[u8] = b"ftp";

/// What FileZilla says on data connections.
const ALPN_DATA: &[u8] = b"ftp-data";

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io;
    use std::net::{Ipv4Addr, SocketAddr};
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::{Duration, SystemTime};

    use futures_util::future::{BoxFuture, pending};
    use thirdhost_sockets::World;
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::*;
    use crate::config::Tls;
    use crate::tls::self_signed;

    //= security#S-39a
    //= type=test
    //= security#S-53
    //= type=test
    #[tokio::test(start_paused = true)]
    async fn a_handshake_may_take_fifteen_seconds_on_control_and_on_data() {
        let session = session();
        let clock = World::real().clock;
        let began = clock.now();
        let on_control = session
            .accept_control(Box::new(Silent), false, &*clock)
            .await;
        assert!(matches!(on_control, Err(TlsError::TimedOut { .. })));
        assert_eq!(clock.now() - began, Duration::from_secs(15));
        for role in [TlsRole::Server, TlsRole::Client] {
            let handshake = DataHandshake {
                session: session.clone(),
                role,
                peer: Some([0; 32]),
                pinned: false,
                direction: Direction::Send,
                control_host: Ipv4Addr::LOCALHOST.into(),
                clock: Arc::clone(&clock),
                cut: Arc::default(),
            };
            let began = clock.now();
            let on_data = handshake.run(Box::new(Silent)).await;
            assert!(
                matches!(on_data, Err(TlsError::TimedOut { .. })),
                "{role:?}"
            );
            assert_eq!(clock.now() - began, Duration::from_secs(15));
        }
    }

    fn session() -> TlsSession {
        let directory = tempfile::tempdir().unwrap();
        let pair = self_signed(vec!["localhost".to_owned()], SystemTime::now()).unwrap();
        let (chain, key) = (directory.path().join("c"), directory.path().join("k"));
        std::fs::write(&chain, pair.certificate).unwrap();
        std::fs::write(&key, pair.key).unwrap();
        let config = Tls {
            certificate: Some(Certificate::load(&chain, &key).unwrap()),
            ..Tls::default()
        };
        let site = Arc::new(Site::new(&config, &[]));
        site.session(&*World::real().random).unwrap()
    }

    /// Takes everything and says nothing.
    #[derive(Debug)]
    struct Silent;

    impl Connection for Silent {
        fn peer(&self) -> SocketAddr {
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 1)
        }

        fn local(&self) -> SocketAddr {
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 2)
        }

        fn reset(self: Box<Self>) {}

        fn send_file<'a>(
            &'a mut self,
            _file: &'a Arc<File>,
            _offset: u64,
            _length: u64,
        ) -> BoxFuture<'a, io::Result<u64>> {
            Box::pin(pending())
        }
    }

    impl AsyncRead for Silent {
        fn poll_read(
            self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
            _buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Silent {
        fn poll_write(
            self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
}
