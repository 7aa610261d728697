//! Many files on one MODE B connection, each behind its number (design section 4).
//!
//! A source that cannot send a file says so in the place of the file, and a destination that
//! refused one reads it past, so that both keep counting alike.

use thirdhost_proto::server::TransferParameters;
use thirdhost_wire::{RepresentationType, Structure, TransmissionMode};

use super::convert::{put_failure, put_number, take_number};
use super::patience::Patience;
use super::receive::receive_and_drop;
use super::{DataConnection, Received, TransferError, Watch};

impl DataConnection {
    /// Begins the file with this number: a restart marker goes out with whatever is sent
    /// next. MODE B only.
    pub fn open_numbered(&mut self, number: u64) {
        self.begin_file(TransmissionMode::Block);
        put_number(number, self.unsent());
    }
}

/// Ends a file that cannot be sent, or not to its end: an empty block with EOF and "suspected
/// errors". MODE B only.
///
/// # Errors
/// When the connection fails; drop it then.
///
/// # Cancel safety
/// Not cancel safe: drop the connection too.
pub async fn send_failure(to: &mut DataConnection, watch: Watch<'_>) -> Result<(), TransferError> {
    let mut patience = Patience::new(watch);
    to.begin_file(TransmissionMode::Block);
    put_failure(to.unsent());
    to.write_unsent(&mut patience).await?;
    to.flush(&mut patience).await?;
    to.end_file();
    Ok(())
}

/// Receives the number in front of a file. MODE B only.
///
/// # Errors
/// [`TransferError::Malformed`] when the file begins without a number; drop the connection
/// then.
///
/// # Cancel safety
/// Dropping the future loses nothing, but the connection counts as within a file.
pub async fn receive_number(
    from: &mut DataConnection,
    watch: Watch<'_>,
) -> Result<u64, TransferError> {
    let mut patience = Patience::new(watch);
    from.begin_file(TransmissionMode::Block);
    loop {
        if let Some((number, taken)) = take_number(from.ahead())? {
            drop(from.ahead().split_to(taken));
            return Ok(number);
        }
        if from.read_ahead(READ_BYTES, &mut patience).await? == 0 {
            return Err(TransferError::Truncated);
        }
    }
}

/// Reads one file to its end and keeps nothing of it. MODE B only.
///
/// # Errors
/// As [`receive_file`](super::receive_file), but for the store's.
///
/// # Cancel safety
/// Not cancel safe: drop the connection too.
pub async fn discard_file(
    from: &mut DataConnection,
    structure: Structure,
    watch: Watch<'_>,
) -> Result<Received, TransferError> {
    let form = TransferParameters {
        representation: RepresentationType::Image,
        structure,
        mode: TransmissionMode::Block,
    };
    receive_and_drop(from, form, watch).await
}

const READ_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::super::testing::*;
    use super::super::{receive_file, send_file};
    use super::*;

    const BLOCKS: TransferParameters = TransferParameters {
        representation: RepresentationType::Image,
        structure: Structure::File,
        mode: TransmissionMode::Block,
    };

    #[tokio::test]
    async fn numbered_files_refusals_and_dropped_files_stay_in_step() {
        let (mut ours, theirs, _) = pair();
        let mut theirs = DataConnection::new(Box::new(theirs));
        let watched = Watched::default();
        let watch = watched.watch();

        ours.open_numbered(1);
        send_file(&mut ours, &mut MemorySource::new(b"one"), 0, BLOCKS, watch)
            .await
            .unwrap();
        ours.open_numbered(2);
        send_failure(&mut ours, watch).await.unwrap();
        ours.open_numbered(3);
        send_file(
            &mut ours,
            &mut MemorySource::new(b"three"),
            0,
            BLOCKS,
            watch,
        )
        .await
        .unwrap();
        ours.open_numbered(4);
        let broken = &mut MemorySource::failing(b"fo", 4);
        send_file(&mut ours, broken, 0, BLOCKS, watch)
            .await
            .unwrap_err();
        send_failure(&mut ours, watch).await.unwrap();
        assert!(ours.is_between_files());

        for (number, stored, suspect) in [
            (1, Some("one"), false),
            (2, Some(""), true),
            (3, None, false),
            (4, Some(""), true),
        ] {
            assert_eq!(receive_number(&mut theirs, watch).await.unwrap(), number);
            let received = if let Some(stored) = stored {
                let mut upload = MemoryUpload::default();
                let received = receive_file(&mut theirs, &mut upload, BLOCKS, watch).await;
                assert_eq!(upload.bytes, stored.as_bytes());
                received
            } else {
                discard_file(&mut theirs, Structure::File, watch).await
            };
            assert_eq!(received.unwrap().suspect, suspect, "file {number}");
            assert!(theirs.is_between_files());
        }
    }

    #[tokio::test]
    async fn a_small_numbered_file_is_one_write() {
        let (mut ours, _theirs, spy) = pair();
        let watched = Watched::default();
        ours.open_numbered(7);
        let mut source = MemorySource::new(b"small");
        send_file(&mut ours, &mut source, 0, BLOCKS, watched.watch())
            .await
            .unwrap();
        assert_eq!(spy.writes(), 1);
    }

    async fn check_number(wire: &[u8], expected: Option<u64>) {
        let (mut ours, mut theirs, _) = pair();
        theirs.write_all(wire).await.unwrap();
        drop(theirs);
        let number = receive_number(&mut ours, Watched::default().watch()).await;
        assert_eq!(number.ok(), expected, "{wire:02x?}");
    }

    #[tokio::test]
    async fn a_file_without_a_number_is_not_taken_for_another() {
        check_number(b"\x10\0\x0242\0\0\x01a", Some(42)).await;
        check_number(b"\x10\0\x0242", Some(42)).await;
        check_number(b"\x10\0\x034", None).await;
        check_number(b"\0\0\x0242", None).await;
        check_number(b"\x40\0\0", None).await;
        check_number(b"\x10\0\x02+1", None).await;
        check_number(b"\x10\0\x14", None).await;
        check_number(b"\x10\0\x1599999999999999999999", None).await;
        check_number(b"", None).await;
    }
}
