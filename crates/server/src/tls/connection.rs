//! A connection under TLS, which is a connection like any other.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thirdhost_sockets::{Connection, copy_file};
use thirdhost_wire::HostName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_rustls::TlsStream;

use super::certificate::sha256;

/// Octets written leave as TLS records; shutting down sends close_notify before the FIN. An end
/// without close_notify reads as [`io::ErrorKind::UnexpectedEof`] (spec S-33).
#[derive(Debug)]
pub(crate) struct TlsConnection {
    peer: SocketAddr,
    local: SocketAddr,
    stream: TlsStream<Box<dyn Connection>>,
    /// Where close_notify is waived: whether none came.
    cut: Option<Arc<AtomicBool>>,
}

impl TlsConnection {
    pub(super) fn new(mut stream: TlsStream<Box<dyn Connection>>) -> Self {
        match &mut stream {
            TlsStream::Client(stream) => stream.get_mut().1.set_buffer_limit(Some(BUFFER_BYTES)),
            TlsStream::Server(stream) => stream.get_mut().1.set_buffer_limit(Some(BUFFER_BYTES)),
        }
        let connection = stream.get_ref().0;
        Self {
            peer: connection.peer(),
            local: connection.local(),
            stream,
            cut: None,
        }
    }

    /// From now on an end without close_notify reads as an end like any other, and is noted.
    pub(super) fn waive_close_notify(&mut self, cut: Arc<AtomicBool>) {
        self.cut = Some(cut);
    }

    /// The SHA-256 of the certificate that the far side has shown.
    pub(crate) fn shown(&self) -> Option<[u8; 32]> {
        let (_, tls) = self.stream.get_ref();
        tls.peer_certificates()?.first().map(|own| sha256(own))
    }

    /// The name by which the client has called us (SNI).
    pub(crate) fn indicated(&self) -> Option<HostName> {
        match &self.stream {
            TlsStream::Server(stream) => stream.get_ref().1.server_name()?.parse().ok(),
            TlsStream::Client(_) => None,
        }
    }

    /// Ends TLS and gives back the connection beneath, in clear (RFC 4217 section 13).
    ///
    /// # Errors
    /// When the far side sends anything else than its own close_notify: what came under TLS is
    /// not to be taken for clear text (spec S-32).
    pub(crate) async fn end_tls(mut self) -> io::Result<Box<dyn Connection>> {
        self.stream.get_mut().1.send_close_notify();
        self.stream.flush().await?;
        if self.stream.read(&mut [0]).await? > 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(self.into_connection())
    }

    fn into_connection(self) -> Box<dyn Connection> {
        match self.stream {
            TlsStream::Client(stream) => stream.into_inner().0,
            TlsStream::Server(stream) => stream.into_inner().0,
        }
    }
}

impl Connection for TlsConnection {
    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn local(&self) -> SocketAddr {
        self.local
    }

    fn reset(self: Box<Self>) {
        self.into_connection().reset();
    }

    fn reset_on_death(&mut self, reset: bool) {
        match &mut self.stream {
            TlsStream::Client(stream) => stream.get_mut().0.reset_on_death(reset),
            TlsStream::Server(stream) => stream.get_mut().0.reset_on_death(reset),
        }
    }

    fn hold_back(&mut self, hold: bool) {
        match &mut self.stream {
            TlsStream::Client(stream) => stream.get_mut().0.hold_back(hold),
            TlsStream::Server(stream) => stream.get_mut().0.hold_back(hold),
        }
    }

    fn has_ended(&self) -> bool {
        match &self.stream {
            TlsStream::Client(stream) => stream.get_ref().0.has_ended(),
            TlsStream::Server(stream) => stream.get_ref().0.has_ended(),
        }
    }

    fn send_file<'a>(
        &'a mut self,
        file: &'a Arc<File>,
        offset: u64,
        length: u64,
    ) -> BoxFuture<'a, io::Result<u64>> {
        copy_file(&mut self.stream, file, offset, length).boxed()
    }
}

impl AsyncRead for TlsConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        Poll::Ready(match (read, &self.cut) {
            (Err(error), Some(cut)) if is_cut(&error) => {
                tracing::warn!(peer = %self.peer, "no close_notify, which is waived for this peer");
                cut.store(true, Ordering::Relaxed);
                Ok(())
            }
            (read, _) => read,
        })
    }
}

impl AsyncWrite for TlsConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Whether the far side closed without close_notify.
fn is_cut(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}

/// How much may wait to be sent: a whole chunk of a file as full records, which then leave in
/// one vectored write.
const BUFFER_BYTES: usize = 160 * 1024;
