//! What the control connection runs over: TCP, or TLS on it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use thirdhost_sockets::Connection;
use thirdhost_wire::HostName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::tls::TlsConnection;

/// A control connection, in clear or protected.
#[derive(Debug)]
pub(super) enum ControlStream {
    Clear(Box<dyn Connection>),
    Protected(Box<TlsConnection>),
}

impl ControlStream {
    pub(super) fn is_protected(&self) -> bool {
        matches!(self, Self::Protected(_))
    }

    /// The SHA-256 of the certificate that the client has shown.
    pub(super) fn shown(&self) -> Option<[u8; 32]> {
        match self {
            Self::Clear(_) => None,
            Self::Protected(connection) => connection.shown(),
        }
    }

    /// The name by which the client has called us in the handshake.
    pub(super) fn indicated(&self) -> Option<HostName> {
        match self {
            Self::Clear(_) => None,
            Self::Protected(connection) => connection.indicated(),
        }
    }

    pub(super) fn connection(&self) -> &dyn Connection {
        match self {
            Self::Clear(connection) => &**connection,
            Self::Protected(connection) => &**connection,
        }
    }

    fn pinned(&mut self) -> Pin<&mut dyn Connection> {
        match self {
            Self::Clear(connection) => Pin::new(&mut **connection),
            Self::Protected(connection) => Pin::new(&mut **connection),
        }
    }
}

impl AsyncRead for ControlStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.pinned().poll_read(cx, buffer)
    }
}

impl AsyncWrite for ControlStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.pinned().poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pinned().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pinned().poll_shutdown(cx)
    }
}
