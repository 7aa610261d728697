//! The orderly end of a data connection. Spec M-15; RFC 959 section 3.2.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::patience::Patience;
use super::{DataConnection, TransferError, Watch};

/// Tells the far side that the file is complete and waits until it has closed its direction
/// too, at most [`FIN_WAIT`]; then closes. What it sends meanwhile is ignored.
///
/// # Errors
/// [`TransferError::Connection`] when the far side resets the connection: it may not have
/// read all of the file (spec M-14).
///
/// # Cancel safety
/// Not cancel safe; the connection is closed.
pub async fn close_sent(
    mut connection: DataConnection,
    watch: Watch<'_>,
) -> Result<(), TransferError> {
    let mut patience = Patience::new(watch);
    connection.half_close(&mut patience).await?;
    let limit = watch.clock.sleep(FIN_WAIT);
    match select(pin!(drain(&mut connection, &mut patience)), limit).await {
        Either::Left((outcome, _)) => outcome,
        // A far side that keeps its direction open has the file all the same.
        Either::Right(_) => Ok(()),
    }
}

/// Closes a connection on which a file has been received, once it is in place.
///
/// # Cancel safety
/// The connection is closed in any case.
pub async fn close_received(mut connection: DataConnection, watch: Watch<'_>) {
    let mut patience = Patience::new(Watch {
        stall: CLOSE_WAIT,
        ..watch
    });
    // The file is here; what becomes of the connection changes nothing.
    if let Err(error) = connection.half_close(&mut patience).await {
        tracing::debug!(%error, "a data connection was not closed in order");
    }
}

async fn drain(
    connection: &mut DataConnection,
    patience: &mut Patience<'_>,
) -> Result<(), TransferError> {
    let mut ignored = 0;
    while ignored <= IGNORED_BYTES_MAX {
        connection.ahead().clear();
        match connection.read_ahead(DRAIN_BYTES, patience).await {
            // We received nothing that could be truncated.
            Ok(0) | Err(TransferError::Truncated | TransferError::Stalled { .. }) => break,
            Ok(received) => ignored += received,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// How long a sender waits for the far side to close (spec M-15).
pub const FIN_WAIT: Duration = Duration::from_secs(30);

/// How long a receiver tries to say goodbye.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// How much a sender lets itself be told; beyond, it closes.
const IGNORED_BYTES_MAX: usize = 64 * 1024;

const DRAIN_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::io::AsyncWriteExt;

    use super::super::testing::*;
    use super::*;

    #[tokio::test]
    async fn a_sender_closes_when_the_far_side_has() {
        let (ours, mut theirs, spy) = pair();
        let watched = Watched::default();
        let (closed, ()) = tokio::join!(close_sent(ours, watched.watch()), async {
            theirs.write_all(b"ignored").await.unwrap();
            assert!(read_some(&mut theirs, 1).await.is_empty());
            theirs.shutdown().await.unwrap();
        });
        closed.unwrap();
        assert!(!spy.was_reset());
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_does_not_wait_for_ever() {
        let (ours, _theirs, _) = pair();
        let watched = Watched::default();
        let started = watched.now();
        close_sent(ours, watched.watch()).await.unwrap();
        assert!(watched.now() - started >= FIN_WAIT);
        assert!(watched.now() - started < FIN_WAIT * 2);
    }

    #[tokio::test]
    async fn a_sender_is_not_kept_by_a_far_side_that_talks() {
        let (ours, theirs, _) = pair();
        let watched = Watched::default();
        let babble = vec![b'x'; 4 * IGNORED_BYTES_MAX];
        let (closed, written) = tokio::join!(close_sent(ours, watched.watch()), async {
            let mut theirs = theirs;
            theirs.write_all(&babble).await
        });
        closed.unwrap();
        written.unwrap_err();
    }

    #[tokio::test]
    async fn a_reset_before_the_far_side_closed_is_a_failure() {
        let (ours, _theirs, spy) = pair();
        spy.fail_reads_with(io::ErrorKind::ConnectionReset);
        let watched = Watched::default();
        let closed = close_sent(ours, watched.watch()).await;
        assert!(
            matches!(closed, Err(TransferError::Connection(_))),
            "{closed:?}"
        );
    }

    #[tokio::test]
    async fn a_receiver_closes_in_order() {
        let (ours, theirs, spy) = pair();
        close_received(ours, Watched::default().watch()).await;
        assert!(read_all(theirs).await.is_empty());
        assert!(!spy.was_reset());
    }
}
