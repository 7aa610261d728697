//! Sending: a file or a listing from the store to the data connection.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use thirdhost_proto::server::TransferParameters;
use thirdhost_wire::{RepresentationType, Structure, TransmissionMode};

use super::convert::{Encoder, put_marker};
use super::patience::Patience;
use super::{DataConnection, TransferError, Watch};
use crate::store::{Pages, Source};

/// Sends what `source` held when it was opened, from `offset` (the one it was opened at) on;
/// returns how many octets of the file that was. In MODE S the end of the file is still to be
/// told with [`close_sent`](super::close_sent).
///
/// # Errors
/// After [`TransferError::Store`] and [`TransferError::SourceChanged`] in MODE B the file may
/// be ended with [`send_failure`](super::send_failure), and the connection used on. After any
/// other, drop it.
///
/// # Cancel safety
/// Not cancel safe: drop the connection too.
pub async fn send_file(
    to: &mut DataConnection,
    source: &mut dyn Source,
    offset: u64,
    form: TransferParameters,
    watch: Watch<'_>,
) -> Result<u64, TransferError> {
    let mut patience = Patience::new(watch);
    to.begin_file(form.mode);
    let encoder = Encoder::new(form);
    let octets = source.size().saturating_sub(offset);
    match source.file() {
        Some(file) if encoder.is_identity() => {
            send_plain(to, &file, offset, octets, &mut patience).await?;
        }
        _ => {
            let marks = (form.mode == TransmissionMode::Block).then_some(offset);
            send_converted(to, source, octets, encoder, marks, &mut patience).await?;
        }
    }
    to.flush(&mut patience).await?;
    to.end_file();
    Ok(octets)
}

/// Sends the lines of a directory, in TYPE A and STRU F whatever was set, but in the MODE that
/// holds (RFC 1123 section 4.1.2.7, design section 4), and whatever its size in bounded
/// memory (spec S-56); returns how many entries that was. Entries that no command could name
/// are left out.
///
/// # Errors
/// As [`send_file`].
///
/// # Cancel safety
/// Not cancel safe: drop the connection too.
pub async fn send_listing(
    to: &mut DataConnection,
    pages: &mut dyn Pages,
    mode: TransmissionMode,
    watch: Watch<'_>,
) -> Result<u64, TransferError> {
    let mut patience = Patience::new(watch);
    to.begin_file(mode);
    // The lines come with the line ends of TYPE A.
    let mut encoder = Encoder::new(TransferParameters {
        representation: RepresentationType::Image,
        structure: Structure::File,
        mode,
    });
    let mut entries = 0;
    while let Some(page) = pages.next_page().await? {
        entries += page.entries;
        let text = page.text.as_bytes();
        if encoder.is_identity() {
            to.write(text, &mut patience).await?;
            continue;
        }
        if !text.is_empty() {
            encoder.encode(text, false, to.unsent());
        }
        if to.unsent().len() >= LISTING_CHUNK_BYTES {
            to.write_unsent(&mut patience).await?;
        }
    }
    encoder.encode(b"", true, to.unsent());
    to.write_unsent(&mut patience).await?;
    to.flush(&mut patience).await?;
    to.end_file();
    Ok(entries)
}

/// The octets never pass through us. A piece at a time, so that progress shows and a stall is
/// seen: the transport tells nothing before a piece is through, so a slow one gets small ones.
async fn send_plain(
    to: &mut DataConnection,
    file: &Arc<File>,
    mut offset: u64,
    mut octets: u64,
    patience: &mut Patience<'_>,
) -> Result<(), TransferError> {
    let clock = patience.watch.clock;
    let mut piece = PIECE_BYTES_MIN;
    while octets > 0 {
        let started = clock.now();
        let sent = to
            .send_piece(file, offset, piece.min(octets), patience)
            .await?;
        if sent == 0 {
            return Err(TransferError::SourceChanged);
        }
        offset = offset.saturating_add(sent);
        octets = octets.saturating_sub(sent);
        let slow = clock.now().saturating_sub(started) > PIECE_TIME_MAX;
        piece = if slow {
            PIECE_BYTES_MIN
        } else {
            (piece * 2).min(PIECE_BYTES_MAX)
        };
    }
    Ok(())
}

/// With `marks`, which is where the file begins, restart markers go between (spec M-34).
async fn send_converted(
    to: &mut DataConnection,
    source: &mut dyn Source,
    mut octets: u64,
    mut encoder: Encoder,
    marks: Option<u64>,
    patience: &mut Patience<'_>,
) -> Result<(), TransferError> {
    let mut chunk = Vec::new();
    let whole = octets;
    loop {
        chunk.clear();
        let wanted = usize::try_from(octets)
            .unwrap_or(usize::MAX)
            .min(CHUNK_BYTES);
        while chunk.len() < wanted {
            let missing = wanted - chunk.len();
            if source.read(&mut chunk, missing).await? == 0 {
                return Err(TransferError::SourceChanged);
            }
        }
        octets = octets.saturating_sub(chunk.len().try_into().unwrap_or(u64::MAX));
        if encoder.is_identity() {
            to.write(&chunk, patience).await?;
        } else {
            encoder.encode(&chunk, octets == 0, to.unsent());
            let sent = whole - octets;
            if let Some(offset) =
                marks.filter(|_| octets > 0 && sent.is_multiple_of(MARKER_INTERVAL))
            {
                put_marker(offset + sent, to.unsent());
            }
            to.write_unsent(patience).await?;
        }
        if octets == 0 {
            return Ok(());
        }
    }
}

/// How much is read from the store, converted and written at a time: enough to make each
/// step cheap, little enough to stay in the cache.
const CHUNK_BYTES: usize = 256 * 1024;

/// How many octets lie between two restart markers (spec M-34): few enough that little is sent
/// twice, and too many for the 110s to matter. A multiple of the chunk.
const MARKER_INTERVAL: u64 = 16 * 1024 * 1024;

/// How much of a listing is gathered in MODE B before it is sent (spec S-56).
const LISTING_CHUNK_BYTES: usize = 32 * 1024;

/// The first and the smallest piece handed to the transport.
const PIECE_BYTES_MIN: u64 = 64 * 1024;

/// The largest piece handed to the transport.
const PIECE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A piece that takes longer is followed by the smallest.
const PIECE_TIME_MAX: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::ListingStyle;
    use super::super::testing::*;
    use super::*;
    use crate::store::Written;

    const IMAGE: TransferParameters = TransferParameters {
        representation: RepresentationType::Image,
        structure: Structure::File,
        mode: TransmissionMode::Stream,
    };

    #[tokio::test]
    async fn a_plain_file_is_sent_by_the_transport_from_its_offset() {
        let bytes = pattern(3 * 1024 * 1024 + 17);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        for offset in [0, 1, 70_000, bytes.len() as u64] {
            let (mut ours, theirs, spy) = pair();
            let mut source = MemorySource::plain(bytes.len() as u64, file.try_clone().unwrap());
            let watched = Watched::default();
            let (sent, received) = tokio::join!(
                async {
                    let watch = watched.watch();
                    let sent = send_file(&mut ours, &mut source, offset, IMAGE, watch).await;
                    drop(ours);
                    sent.unwrap()
                },
                read_all(theirs),
            );
            assert_eq!(sent, bytes.len() as u64 - offset);
            assert!(received == bytes[offset as usize..], "offset {offset}");
            assert_eq!(watched.progress.moved(), sent);
            assert!(!spy.was_reset());
        }
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_is_not_sent_as_a_whole() {
        for plain in [true, false] {
            let (mut ours, theirs, spy) = pair();
            let mut source = if plain {
                let mut file = tempfile::tempfile().unwrap();
                file.write_all(b"short").unwrap();
                MemorySource::plain(10, file)
            } else {
                MemorySource::sized(10, b"short")
            };
            let watched = Watched::default();
            let sent = send_file(&mut ours, &mut source, 0, IMAGE, watched.watch()).await;
            assert!(
                matches!(sent, Err(TransferError::SourceChanged)),
                "{sent:?}"
            );
            drop((ours, theirs));
            assert!(spy.was_reset());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_stalls_the_transfer() {
        let (mut ours, _theirs, spy) = pair();
        let bytes = pattern(10 * CHUNK_BYTES);
        let watched = Watched::default();
        let mut source = MemorySource::new(&bytes);
        let sent = send_file(&mut ours, &mut source, 0, IMAGE, watched.watch()).await;
        assert!(
            matches!(sent, Err(TransferError::Stalled { after: STALL })),
            "{sent:?}"
        );
        drop(ours);
        assert!(spy.was_reset());
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_little_now_and_then_does_not() {
        let (mut ours, mut theirs, _) = pair();
        let bytes = pattern(4 * WIRE_BYTES);
        let watched = Watched::default();
        let mut source = MemorySource::new(&bytes);
        let (sent, ()) = tokio::join!(
            send_file(&mut ours, &mut source, 0, IMAGE, watched.watch()),
            async {
                for _ in 0..4 {
                    watched.clock_sleep(STALL - Duration::from_secs(1)).await;
                    read_some(&mut theirs, WIRE_BYTES).await;
                }
            },
        );
        assert_eq!(sent.unwrap(), bytes.len() as u64);
    }

    #[tokio::test(start_paused = true)]
    async fn a_transfer_given_up_midway_does_not_end_in_order() {
        let (mut ours, _theirs, spy) = pair();
        let watched = Watched::default();
        let mut source = MemorySource::new(&pattern(2 * WIRE_BYTES));
        let sending = send_file(&mut ours, &mut source, 0, IMAGE, watched.watch());
        tokio::time::timeout(Duration::from_secs(1), sending)
            .await
            .unwrap_err();
        assert_eq!(watched.progress.moved(), WIRE_BYTES as u64);
        drop(ours);
        assert!(spy.was_reset());
    }

    #[tokio::test]
    async fn a_reset_while_sending_is_the_connection_s_failure() {
        let (mut ours, theirs, _) = pair();
        drop(theirs);
        let watched = Watched::default();
        let mut source = MemorySource::new(b"octets");
        let sent = send_file(&mut ours, &mut source, 0, IMAGE, watched.watch()).await;
        assert!(
            matches!(sent, Err(TransferError::Connection(_))),
            "{sent:?}"
        );
    }

    /// A directory of so many files as NLST lists it, and how many have been asked for so far.
    fn names_of(entries: usize) -> (Written, Arc<AtomicUsize>) {
        let listing = ManyEntries::new(entries);
        let handed = listing.handed();
        let pen = ListingStyle::Names { given: None }.lines();
        (Written::new(Box::new(listing), Box::new(pen)), handed)
    }

    /// What nobody has read is either in the pipe, in the one chunk, or in the one batch.
    //= security#S-56
    //= type=test
    #[tokio::test(start_paused = true)]
    async fn no_more_of_a_directory_is_held_than_a_chunk_and_a_batch() {
        const LINE_BYTES: usize = "file-00000000\r\n".len();
        const BATCH: usize = 256;
        for mode in [TransmissionMode::Stream, TransmissionMode::Block] {
            let (mut ours, mut theirs, _) = pair();
            let watched = Watched::default();
            let (mut pages, handed) = names_of(100_000);
            let mut read = 0;
            for _ in 0..3 {
                // Each turn begins anew: only how much is asked for ahead of the reader matters.
                let sending = send_listing(&mut ours, &mut pages, mode, watched.watch());
                let short = Duration::from_secs(1);
                tokio::time::timeout(short, sending).await.unwrap_err();
                let ahead = (read + WIRE_BYTES + LISTING_CHUNK_BYTES) / LINE_BYTES + 3 * BATCH;
                let handed = handed.load(Ordering::Relaxed);
                assert!(handed <= ahead, "{handed} > {ahead}");
                read_some(&mut theirs, WIRE_BYTES).await;
                read += WIRE_BYTES + LISTING_CHUNK_BYTES;
            }
        }
    }

    //= security#S-56
    //= type=test
    #[tokio::test]
    async fn a_large_directory_is_listed_in_bounded_memory() {
        for mode in [TransmissionMode::Stream, TransmissionMode::Block] {
            let (mut ours, theirs, spy) = pair();
            let watched = Watched::default();
            let (mut pages, _) = names_of(1_000_000);
            let (entries, received) = tokio::join!(
                async {
                    let watch = watched.watch();
                    let entries = send_listing(&mut ours, &mut pages, mode, watch).await;
                    drop(ours);
                    entries.unwrap()
                },
                read_all(theirs),
            );
            assert_eq!(entries, 1_000_000);
            let lines = received
                .windows(2)
                .filter(|window| window == b"\r\n")
                .count();
            assert_eq!(lines, 1_000_000, "{mode:?}");
            assert!(
                spy.largest_write() <= 2 * LISTING_CHUNK_BYTES,
                "{}",
                spy.largest_write()
            );
        }
    }
}
