//! A connection under TLS, which is a connection like any other.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use thirdhost_sockets::{Connection, copy_file};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

/// Octets written leave as TLS records; shutting down sends close_notify before the FIN. An end
/// without close_notify reads as [`io::ErrorKind::UnexpectedEof`] (spec S-33).
#[derive(Debug)]
pub(super) struct TlsConnection {
    stream: TlsStream<Box<dyn Connection>>,
}

impl TlsConnection {
    pub(super) fn new(stream: TlsStream<Box<dyn Connection>>) -> Self {
        Self { stream }
    }

    fn beneath(&self) -> &dyn Connection {
        &**self.stream.get_ref().0
    }
}

impl Connection for TlsConnection {
    fn peer(&self) -> SocketAddr {
        self.beneath().peer()
    }

    fn local(&self) -> SocketAddr {
        self.beneath().local()
    }

    fn reset(self: Box<Self>) {
        self.stream.into_inner().0.reset();
    }

    fn reset_on_death(&mut self, reset: bool) {
        // The missing close_notify says it too, to servers that look at it.
        self.stream.get_mut().0.reset_on_death(reset);
    }

    fn end_on_silence(&mut self) {
        self.stream.get_mut().0.end_on_silence();
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
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        read.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), CUT_OFF),
            _ => error,
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
}

const CUT_OFF: &str = "it ended without TLS close_notify, so it may have been cut off on the way";
