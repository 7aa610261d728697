//! Reading ahead beneath TLS: rustls asks the connection for 4 KiB at a time.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use thirdhost_sockets::Connection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that is read in large pieces, whatever is asked for. A piece grows with what
/// comes, so that a small file stays cheap.
#[derive(Debug)]
pub(super) struct Ahead {
    connection: Box<dyn Connection>,
    /// Its length is the next piece's.
    piece: Vec<u8>,
    /// How much of the piece has come, and how much of that has been taken.
    came: usize,
    taken: usize,
}

impl Ahead {
    pub(super) fn new(connection: Box<dyn Connection>) -> Self {
        Self {
            connection,
            piece: Vec::new(),
            came: 0,
            taken: 0,
        }
    }

    /// Gets the next piece, of which there is nothing left.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let length = self.piece.len();
        if self.came == length && length < PIECE_BYTES_MAX {
            let longer = (length * 2).clamp(PIECE_BYTES_MIN, PIECE_BYTES_MAX);
            self.piece.resize(longer, 0);
        }
        let mut piece = ReadBuf::new(&mut self.piece);
        let polled = Pin::new(&mut self.connection).poll_read(cx, &mut piece);
        let came = piece.filled().len();
        if polled.is_ready() {
            (self.came, self.taken) = (came, 0);
        }
        polled
    }
}

impl AsyncRead for Ahead {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.taken == self.came {
            ready!(self.poll_piece(cx))?;
        }
        let left = self.piece.get(self.taken..self.came).unwrap_or_default();
        let part = left.get(..into.remaining()).unwrap_or(left);
        into.put_slice(part);
        self.taken += part.len();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Ahead {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }
}

impl Connection for Ahead {
    fn peer(&self) -> SocketAddr {
        self.connection.peer()
    }

    fn local(&self) -> SocketAddr {
        self.connection.local()
    }

    fn reset(self: Box<Self>) {
        self.connection.reset();
    }

    /// Between files nothing is kept in memory that can be helped.
    fn reset_on_death(&mut self, reset: bool) {
        self.connection.reset_on_death(reset);
        if self.taken == self.came {
            (self.came, self.taken) = (0, 0);
            self.piece = Vec::new();
        }
    }

    fn hold_back(&mut self, hold: bool) {
        self.connection.hold_back(hold);
    }

    fn has_ended(&self) -> bool {
        self.connection.has_ended()
    }

    fn send_file<'a>(
        &'a mut self,
        file: &'a Arc<File>,
        offset: u64,
        length: u64,
    ) -> BoxFuture<'a, io::Result<u64>> {
        self.connection.send_file(file, offset, length)
    }
}

/// The first piece: a handshake needs no more.
const PIECE_BYTES_MIN: usize = 4 * 1024;

/// The longest piece: few system calls, and still within the cache.
const PIECE_BYTES_MAX: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::dtp::testing::ends;

    #[tokio::test]
    async fn octets_asked_for_in_small_pieces_come_in_large_ones_and_in_order() {
        let (near, mut far, _) = ends();
        let bytes: Vec<u8> = (0..100_000_u32).map(|at| (at % 251) as u8).collect();
        let mut ahead = Ahead::new(Box::new(near));
        let reading = async {
            let mut came = Vec::new();
            let mut most_ahead = 0;
            loop {
                let mut some = [0; 100];
                let read = ahead.read(&mut some).await.unwrap();
                if read == 0 {
                    return (came, most_ahead);
                }
                came.extend_from_slice(&some[..read]);
                most_ahead = most_ahead.max(ahead.came - ahead.taken);
            }
        };
        let writing = async {
            far.write_all(&bytes).await.unwrap();
            far.shutdown().await.unwrap();
        };
        let ((came, most_ahead), ()) = tokio::join!(reading, writing);
        assert!(came == bytes);
        let large = PIECE_BYTES_MIN + 1..PIECE_BYTES_MAX;
        assert!(large.contains(&most_ahead), "{most_ahead}");
    }

    #[tokio::test]
    async fn between_files_nothing_is_kept_but_what_was_not_taken() {
        let (near, mut far, _) = ends();
        let mut ahead = Ahead::new(Box::new(near));
        far.write_all(b"abc").await.unwrap();
        assert_eq!(ahead.read_u8().await.unwrap(), b'a');
        ahead.reset_on_death(false);
        assert_eq!(ahead.read_u16().await.unwrap(), u16::from_be_bytes(*b"bc"));
        ahead.reset_on_death(false);
        assert_eq!(ahead.piece.capacity(), 0);
    }
}
