//! A data connection and the octets that are ahead of, or behind, the file in hand.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use futures_util::future;
use thirdhost_sockets::{Connection, Lent};
use thirdhost_wire::TransmissionMode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::TransferError;
use super::patience::Patience;

/// An open data connection. In MODE B it may carry many files, one after the other.
///
/// Dropping it within a file resets it: an orderly end would look like the end of the file
/// (spec M-14). Dropping it between files closes it in order.
#[derive(Debug)]
pub struct DataConnection {
    peer: SocketAddr,
    local: SocketAddr,
    /// `None` only while it is being dropped.
    connection: Option<Box<dyn Connection>>,
    /// Received, and not yet taken by a file.
    ahead: BytesMut,
    /// Owed to the far side, and not yet sent.
    unsent: Vec<u8>,
    within_file: bool,
    /// So it comes: it is for a file, and none has been through.
    resets_on_death: bool,
    /// Whether what is sent may wait for what follows.
    holds_back: bool,
}

impl DataConnection {
    /// Takes over a connection that has just been opened.
    #[must_use]
    pub fn new(connection: Box<dyn Connection>) -> Self {
        Self {
            peer: connection.peer(),
            local: connection.local(),
            connection: Some(connection),
            ahead: BytesMut::new(),
            unsent: Vec::new(),
            within_file: false,
            resets_on_death: true,
            holds_back: false,
        }
    }

    /// Whether what is sent may wait a moment for the next file, so that short ones share a
    /// packet. To be ended before anything is waited for but the connection itself.
    pub fn hold_back(&mut self, hold: bool) {
        if let (true, Some(connection)) = (self.holds_back != hold, &mut self.connection) {
            connection.hold_back(hold);
            self.holds_back = hold;
        }
    }

    /// Waits, between files, for the far side to give the connection up, in order or not.
    /// Octets of a next file are kept for it, and while there are any the connection does
    /// not count as given up.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn closed_by_peer(&mut self) {
        loop {
            if self.ahead.len() >= IDLE_AHEAD_MAX {
                return future::pending().await;
            }
            let Ok(connection) = open(&mut self.connection) else {
                return;
            };
            self.ahead.reserve(IDLE_AHEAD_MAX);
            match connection.read_buf(&mut self.ahead).await {
                Ok(1..) => {}
                Ok(0) | Err(_) if self.ahead.is_empty() => return,
                Ok(0) | Err(_) => return future::pending().await,
            }
        }
    }

    /// Closes at once, so that the far side sees a reset.
    pub fn reset(mut self) {
        self.within_file = true;
    }

    /// The far end.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Our end.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Whether no file is under way, so that another may follow in MODE B (spec M-23).
    #[must_use]
    pub fn is_between_files(&self) -> bool {
        !self.within_file
    }

    /// In MODE S the end of the connection is the end of the file, and must not be that of this
    /// process; in MODE B the file says itself where it ends.
    pub(super) fn begin_file(&mut self, mode: TransmissionMode) {
        self.within_file = true;
        if let (TransmissionMode::Stream, Some(connection)) = (mode, &mut self.connection) {
            connection.reset_on_death(true);
            self.resets_on_death = true;
        }
    }

    /// The file is through; what it needed in memory is given back.
    pub(super) fn end_file(&mut self) {
        self.within_file = false;
        if let (true, Some(connection)) = (self.resets_on_death, &mut self.connection) {
            connection.reset_on_death(false);
            self.resets_on_death = false;
        }
        self.unsent.shrink_to(IDLE_UNSENT_KEPT);
        if self.ahead.is_empty() {
            self.ahead = BytesMut::new();
        }
    }

    /// Where the octets to be sent next are put.
    pub(super) fn unsent(&mut self) -> &mut Vec<u8> {
        &mut self.unsent
    }

    /// What has been received and not yet been taken.
    pub(super) fn ahead(&mut self) -> &mut BytesMut {
        &mut self.ahead
    }

    /// Sends what is unsent.
    pub(super) async fn write_unsent(
        &mut self,
        patience: &mut Patience<'_>,
    ) -> Result<(), TransferError> {
        let connection = open(&mut self.connection).map_err(TransferError::Connection)?;
        write_all(connection, &self.unsent, patience).await?;
        self.unsent.clear();
        Ok(())
    }

    /// Sends `octets` as they are.
    pub(super) async fn write(
        &mut self,
        octets: &[u8],
        patience: &mut Patience<'_>,
    ) -> Result<(), TransferError> {
        let connection = open(&mut self.connection).map_err(TransferError::Connection)?;
        write_all(connection, octets, patience).await
    }

    /// Pushes out what the layers below hold back.
    pub(super) async fn flush(&mut self, patience: &mut Patience<'_>) -> Result<(), TransferError> {
        let connection = open(&mut self.connection).map_err(TransferError::Connection)?;
        patience.wait(connection.flush()).await
    }

    /// Sends a piece of a plain file by the transport's own means; returns how much went out.
    pub(super) async fn send_piece(
        &mut self,
        file: &Arc<File>,
        offset: u64,
        length: u64,
        patience: &mut Patience<'_>,
    ) -> Result<u64, TransferError> {
        let connection = open(&mut self.connection).map_err(TransferError::Connection)?;
        let length = length.min(patience.piece().try_into().unwrap_or(u64::MAX));
        let sent = patience
            .wait(connection.send_file(file, offset, length))
            .await?;
        patience.moved(sent).await;
        Ok(sent)
    }

    /// Reads what is there, up to the room in `into`, which there must be. 0 is the orderly
    /// end.
    pub(super) async fn read(
        &mut self,
        into: &mut Vec<u8>,
        patience: &mut Patience<'_>,
    ) -> Result<usize, TransferError> {
        let connection = open(&mut self.connection).map_err(TransferError::Connection)?;
        read_some(connection, into, patience).await
    }

    /// Reads what is there, with room for at least `most` octets. 0 is the orderly end.
    pub(super) async fn read_ahead(
        &mut self,
        most: usize,
        patience: &mut Patience<'_>,
    ) -> Result<usize, TransferError> {
        let connection = open(&mut self.connection).map_err(TransferError::Connection)?;
        self.ahead.reserve(most);
        read_some(connection, &mut self.ahead, patience).await
    }

    /// Takes the connection out of the runtime's hands, if that can be done now. It has to come
    /// [back](Self::take_back) before anything else is done with it but dropping.
    pub(super) fn lend(&mut self) -> Option<Lent> {
        self.connection.as_mut()?.lend()
    }

    pub(super) fn take_back(&mut self, lent: Lent) -> Result<(), TransferError> {
        open(&mut self.connection)
            .and_then(|connection| connection.take_back(lent))
            .map_err(TransferError::Connection)
    }

    /// Ends our direction; theirs stays open.
    pub(super) async fn half_close(
        &mut self,
        patience: &mut Patience<'_>,
    ) -> Result<(), TransferError> {
        let connection = open(&mut self.connection).map_err(TransferError::Connection)?;
        match patience.wait(connection.shutdown()).await {
            // Some systems say so when the far side has closed both directions already;
            // whether it did so in order, the next read tells.
            Err(TransferError::Connection(error))
                if error.kind() == io::ErrorKind::NotConnected =>
            {
                Ok(())
            }
            outcome => outcome,
        }
    }
}

impl Drop for DataConnection {
    fn drop(&mut self) {
        if let (true, Some(connection)) = (self.within_file, self.connection.take()) {
            connection.reset();
        } else if let (true, Some(connection)) = (self.resets_on_death, &mut self.connection) {
            // What has been sent arrives all the same.
            connection.reset_on_death(false);
        }
    }
}

async fn write_all(
    connection: &mut Box<dyn Connection>,
    mut octets: &[u8],
    patience: &mut Patience<'_>,
) -> Result<(), TransferError> {
    while !octets.is_empty() {
        let piece = octets.get(..patience.piece()).unwrap_or(octets);
        let sent = patience.wait(connection.write(piece)).await?;
        let (_, rest) = match octets.split_at_checked(sent) {
            Some(halves) if sent > 0 => halves,
            _ => return Err(TransferError::Connection(io::ErrorKind::WriteZero.into())),
        };
        patience.moved(sent.try_into().unwrap_or(u64::MAX)).await;
        octets = rest;
    }
    Ok(())
}

async fn read_some(
    connection: &mut Box<dyn Connection>,
    into: &mut (impl BufMut + Send),
    patience: &mut Patience<'_>,
) -> Result<usize, TransferError> {
    let received = patience
        .wait(connection.read_buf(&mut into.limit(patience.piece())))
        .await
        .map_err(ended)?;
    patience
        .moved(received.try_into().unwrap_or(u64::MAX))
        .await;
    Ok(received)
}

fn open(connection: &mut Option<Box<dyn Connection>>) -> io::Result<&mut Box<dyn Connection>> {
    connection
        .as_mut()
        .ok_or_else(|| io::ErrorKind::NotConnected.into())
}

// TLS reports a FIN without close_notify in this way; it may be an attacker's (spec S-33).
fn ended(error: TransferError) -> TransferError {
    match error {
        TransferError::Connection(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            TransferError::Truncated
        }
        other => other,
    }
}

/// How much of a next file is read before anyone asked for it.
const IDLE_AHEAD_MAX: usize = 4096;

/// How much send buffer an idle connection keeps, in bytes.
const IDLE_UNSENT_KEPT: usize = 4096;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use thirdhost_proto::server::TransferParameters;
    use tokio::time::timeout;

    use super::super::receive_file;
    use super::super::testing::*;
    use super::*;

    #[tokio::test]
    async fn an_idle_connection_is_given_up_when_the_far_side_does() {
        let (mut ours, theirs, spy) = pair();
        drop(theirs);
        ours.closed_by_peer().await;
        let (mut broken, _theirs, broken_spy) = pair();
        broken_spy.fail_reads_with(io::ErrorKind::ConnectionReset);
        broken.closed_by_peer().await;
        drop((ours, broken));
        assert!(!spy.was_reset());
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_between_files_belongs_to_the_next() {
        let (mut ours, mut theirs, _) = pair();
        theirs.write_all(b"\0\0\x02ab").await.unwrap();
        timeout(Duration::from_secs(9), ours.closed_by_peer())
            .await
            .unwrap_err();
        theirs.write_all(b"\x40\0\x01c").await.unwrap();
        drop(theirs);
        timeout(Duration::from_secs(9), ours.closed_by_peer())
            .await
            .unwrap_err();

        let mut upload = MemoryUpload::default();
        let form = TransferParameters {
            mode: TransmissionMode::Block,
            ..TransferParameters::default()
        };
        let watched = Watched::default();
        receive_file(&mut ours, &mut upload, form, watched.watch())
            .await
            .unwrap();
        assert_eq!(upload.bytes, b"abc");
    }
}
