//! Receiving: a file from the data connection to the store.

use std::pin::pin;

use futures_util::future::{Either, select};
use thirdhost_proto::server::TransferParameters;

use super::convert::{Decoded, Decoder};
use super::patience::Patience;
use super::{DataConnection, Mark, TransferError, Watch};
use crate::store::{StoreError, Upload};

/// A file that has come to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Received {
    /// How many octets the file got.
    pub octets: u64,
    /// Whether the sender marked a block of it as suspect (MODE B descriptor 32). In a
    /// pipeline that means that the source gave up and the file is not to be stored; elsewhere
    /// it is worth a word in the reply (spec M-20).
    pub suspect: bool,
}

/// Receives one file up to its end into `upload`, which the caller then commits. In MODE B
/// the connection stands right behind the file and may carry another.
///
/// # Errors
/// The upload is then to be abandoned. It has been given all that came before the
/// connection failed, for a later transfer to go on with.
///
/// # Cancel safety
/// Not cancel safe: drop the connection too, and abandon the upload.
pub async fn receive_file(
    from: &mut DataConnection,
    upload: &mut dyn Upload,
    form: TransferParameters,
    watch: Watch<'_>,
) -> Result<Received, TransferError> {
    receive(from, &mut Sink::Upload(upload), form, watch).await
}

/// As [`receive_file`], but when the store does not take the file, the rest of it is read all the
/// same and the store's failure told: in MODE B the connection then stands behind the file.
///
/// # Errors
/// As [`receive_file`], but for the store's.
///
/// # Cancel safety
/// Not cancel safe: drop the connection too, and abandon the upload.
pub async fn receive_or_discard(
    from: &mut DataConnection,
    upload: &mut dyn Upload,
    form: TransferParameters,
    watch: Watch<'_>,
) -> Result<Result<Received, StoreError>, TransferError> {
    let mut failure = None;
    let mut sink = Sink::WhileItTakes(upload, &mut failure);
    let received = receive(from, &mut sink, form, watch).await?;
    Ok(failure.map_or(Ok(received), Err))
}

/// As [`receive_file`], but keeps nothing of the file.
pub(super) async fn receive_and_drop(
    from: &mut DataConnection,
    form: TransferParameters,
    watch: Watch<'_>,
) -> Result<Received, TransferError> {
    receive(from, &mut Sink::Nowhere, form, watch).await
}

async fn receive(
    from: &mut DataConnection,
    sink: &mut Sink<'_>,
    form: TransferParameters,
    watch: Watch<'_>,
) -> Result<Received, TransferError> {
    from.begin_file(form.mode);
    let mut receiver = Receiver {
        patience: Patience::new(watch),
        decoder: Decoder::new(form),
        file: Vec::new(),
        octets: 0,
        step: STEP_BYTES_MIN,
    };
    let outcome = if receiver.decoder.is_identity() {
        receiver.receive_plain(from, sink).await
    } else {
        receiver.receive_converted(from, sink).await
    };
    match outcome {
        Ok(()) => receiver.store(sink).await?,
        Err(TransferError::Store(error)) => return Err(TransferError::Store(error)),
        Err(error) => {
            // What came may serve a later REST; the failure to report is the first one.
            if receiver.store(sink).await.is_err() {
                tracing::debug!("the rest of a broken transfer could not be kept");
            }
            return Err(error);
        }
    }
    from.end_file();
    Ok(Received {
        octets: receiver.octets,
        suspect: receiver.decoder.suspect(),
    })
}

struct Receiver<'a> {
    patience: Patience<'a>,
    decoder: Decoder,
    /// Octets of the file that the store has not yet been given.
    file: Vec<u8>,
    octets: u64,
    /// How much memory the next read may take; grows with what comes, so that a small file
    /// stays cheap.
    step: usize,
}

impl Receiver<'_> {
    /// The octets go straight into the buffer the store gets. While it takes one, the next is
    /// filled.
    async fn receive_plain(
        &mut self,
        from: &mut DataConnection,
        sink: &mut Sink<'_>,
    ) -> Result<(), TransferError> {
        self.file.extend_from_slice(&from.ahead().split());
        let mut spare = Vec::new();
        let mut filled = self.fill(from).await;
        while let Ok(Filled::Whole) = filled {
            let full = std::mem::replace(&mut self.file, spare);
            self.count(&full);
            let storing = pin!(sink.take(full));
            (spare, filled) = match select(storing, pin!(self.fill(from))).await {
                Either::Left((stored, filling)) => (stored?, filling.await),
                Either::Right((filled, storing)) => (storing.await?, filled),
            };
        }
        filled.map(drop)
    }

    /// Reads until there is enough for the store, or the end has come.
    async fn fill(&mut self, from: &mut DataConnection) -> Result<Filled, TransferError> {
        while self.file.len() < STORE_BYTES {
            if self.file.len() == self.file.capacity() {
                self.file.reserve_exact(self.step.min(STORE_BYTES));
                self.step = self.step.saturating_mul(2);
            }
            if from.read(&mut self.file, &mut self.patience).await? == 0 {
                return Ok(Filled::ToTheEnd);
            }
        }
        Ok(Filled::Whole)
    }

    async fn receive_converted(
        &mut self,
        from: &mut DataConnection,
        sink: &mut Sink<'_>,
    ) -> Result<(), TransferError> {
        loop {
            // Also before the first read: the file may have come with the one before it.
            let Decoded {
                taken,
                complete,
                marker,
            } = self.decoder.decode(from.ahead(), &mut self.file)?;
            drop(from.ahead().split_to(taken));
            if complete {
                return Ok(());
            }
            if let Some(theirs) = marker {
                self.store(sink).await?;
                let octets = self.octets;
                self.patience.watch.progress.mark(Mark { theirs, octets });
                continue;
            }
            if self.file.len() >= STORE_BYTES {
                self.store(sink).await?;
            }
            let received = from.read_ahead(self.step, &mut self.patience).await?;
            if received == 0 {
                return self.decoder.finish(&mut self.file);
            }
            if received >= self.step {
                self.step = self.step.saturating_mul(2).min(AHEAD_BYTES_MAX);
            }
        }
    }

    async fn store(&mut self, sink: &mut Sink<'_>) -> Result<(), TransferError> {
        let file = std::mem::take(&mut self.file);
        self.count(&file);
        self.file = sink.take(file).await?;
        Ok(())
    }

    fn count(&mut self, stored: &[u8]) {
        self.octets += u64::try_from(stored.len()).unwrap_or(u64::MAX);
    }
}

/// How far a buffer was filled.
enum Filled {
    /// There is enough for the store.
    Whole,
    /// The file has ended.
    ToTheEnd,
}

enum Sink<'a> {
    Upload(&'a mut dyn Upload),
    /// Up to the store's first failure, which is put aside.
    WhileItTakes(&'a mut dyn Upload, &'a mut Option<StoreError>),
    Nowhere,
}

impl Sink<'_> {
    /// Takes octets, and gives the emptied buffer back.
    async fn take(&mut self, mut octets: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        match self {
            _ if octets.is_empty() => {}
            Sink::Upload(upload) => return upload.write(octets).await,
            Sink::WhileItTakes(upload, failure) if failure.is_none() => {
                match upload.write(octets).await {
                    Ok(emptied) => return Ok(emptied),
                    Err(error) => **failure = Some(error),
                }
                return Ok(Vec::new());
            }
            Sink::WhileItTakes(..) | Sink::Nowhere => octets.clear(),
        }
        Ok(octets)
    }
}

/// How much is gathered for one write to the store: few wake-ups of its threads, and still
/// within the cache.
const STORE_BYTES: usize = 512 * 1024;

/// The first buffer: a small file needs no more.
const STEP_BYTES_MIN: usize = 16 * 1024;

/// The most that is read at a time where octets are converted.
const AHEAD_BYTES_MAX: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use futures_util::future::BoxFuture;
    use thirdhost_proto::server::VirtualPath;
    use thirdhost_wire::{RepresentationType, Structure, TransmissionMode};
    use tokio::io::AsyncWriteExt;
    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::super::send_file;
    use super::super::testing::*;
    use super::*;
    use crate::store::StoreError;

    fn forms() -> impl Iterator<Item = TransferParameters> {
        let modes = [TransmissionMode::Stream, TransmissionMode::Block];
        let structures = [Structure::File, Structure::Record];
        let representations = [RepresentationType::Ascii, RepresentationType::Image];
        modes.into_iter().flat_map(move |mode| {
            structures.into_iter().flat_map(move |structure| {
                representations
                    .into_iter()
                    .map(move |representation| TransferParameters {
                        representation,
                        structure,
                        mode,
                    })
            })
        })
    }

    fn form(representation: RepresentationType, mode: TransmissionMode) -> TransferParameters {
        TransferParameters {
            representation,
            structure: Structure::File,
            mode,
        }
    }

    async fn check_round_trip(form: TransferParameters, length: usize) {
        let mut bytes = pattern(length);
        if let Some(last) = bytes.last_mut() {
            *last = b'\n'; // STRU R ends the last line in any case
        }
        let (mut ours, theirs, _) = pair();
        let mut theirs = DataConnection::new(Box::new(theirs));
        let (watched, watching) = (Watched::default(), Watched::default());
        let mut upload = MemoryUpload::default();
        let (sent, received) = tokio::join!(
            async {
                let mut source = MemorySource::new(&bytes);
                let sent = send_file(&mut ours, &mut source, 0, form, watched.watch()).await;
                drop(ours);
                sent
            },
            receive_file(&mut theirs, &mut upload, form, watching.watch()),
        );
        let octets = length as u64;
        assert_eq!(sent.unwrap(), octets, "{form:?}");
        assert_eq!(
            received.unwrap(),
            Received {
                octets,
                suspect: false
            },
            "{form:?}"
        );
        assert!(upload.bytes == bytes, "{form:?}, {length} octets");
        assert_eq!(watched.progress.moved(), watching.progress.moved());
        assert!(upload.largest_write <= 2 * STORE_BYTES);
    }

    #[tokio::test]
    async fn files_of_any_size_arrive_as_they_were_in_every_form() {
        let chunk = 256 * 1024;
        for form in forms() {
            for length in [0, 1, 2, 3, chunk - 1, chunk, chunk + 1, 3 * chunk + 5] {
                check_round_trip(form, length).await;
            }
        }
    }

    async fn check_broken(
        form: TransferParameters,
        wire: &[u8],
        end: End,
        kept: &[u8],
    ) -> TransferError {
        let (ours, mut theirs, spy) = pair();
        let mut ours = ours;
        theirs.write_all(wire).await.unwrap();
        match end {
            End::Fin => drop(theirs),
            End::Error(kind) => spy.fail_reads_with(kind),
            End::Silence => spy.keep(theirs),
        }
        let mut upload = MemoryUpload::default();
        let watched = Watched::default();
        let outcome = receive_file(&mut ours, &mut upload, form, watched.watch()).await;
        assert_eq!(upload.bytes, kept, "{form:?}");
        drop(ours);
        assert!(spy.was_reset(), "{form:?}");
        outcome.expect_err("no success")
    }

    enum End {
        Fin,
        Error(std::io::ErrorKind),
        Silence,
    }

    #[tokio::test]
    async fn the_end_of_the_connection_within_a_marked_file_truncates_it() {
        for (structure, mode, wire) in [
            (
                Structure::File,
                TransmissionMode::Block,
                b"\0\0\x03abc".as_slice(),
            ),
            (Structure::File, TransmissionMode::Block, b"\0\0\x05abc"),
            (Structure::File, TransmissionMode::Block, b"\0\0\x03abc\x40"),
            (Structure::Record, TransmissionMode::Stream, b"abc"),
            (Structure::Record, TransmissionMode::Stream, b"abc\xff"),
        ] {
            let form = TransferParameters {
                representation: RepresentationType::Image,
                structure,
                mode,
            };
            let error = check_broken(form, wire, End::Fin, b"abc").await;
            assert!(matches!(error, TransferError::Truncated), "{error}");
        }
    }

    #[tokio::test]
    async fn a_reset_is_never_the_end_of_a_file() {
        for mode in [TransmissionMode::Stream, TransmissionMode::Block] {
            for kind in [
                std::io::ErrorKind::ConnectionReset,
                std::io::ErrorKind::TimedOut,
            ] {
                let form = form(RepresentationType::Image, mode);
                let wire = if mode == TransmissionMode::Block {
                    "\0\0\x03abc"
                } else {
                    "abc"
                };
                let error = check_broken(form, wire.as_bytes(), End::Error(kind), b"abc").await;
                let TransferError::Connection(error) = error else {
                    panic!("{error}")
                };
                assert_eq!(error.kind(), kind);
            }
        }
    }

    #[tokio::test]
    async fn an_end_without_close_notify_truncates_the_file() {
        let form = form(RepresentationType::Image, TransmissionMode::Stream);
        let end = End::Error(std::io::ErrorKind::UnexpectedEof);
        let error = check_broken(form, b"abc", end, b"abc").await;
        assert!(matches!(error, TransferError::Truncated), "{error}");
    }

    #[tokio::test]
    async fn broken_framing_is_malformed() {
        let form = form(RepresentationType::Image, TransmissionMode::Block);
        let error = check_broken(form, b"\0\0\x01a\x80\0\0", End::Silence, b"a").await;
        assert!(matches!(error, TransferError::Malformed(_)), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_sender_stalls_the_transfer() {
        for mode in [TransmissionMode::Stream, TransmissionMode::Block] {
            let form = form(RepresentationType::Ascii, mode);
            let wire = if mode == TransmissionMode::Block {
                "\0\0\x03abc"
            } else {
                "abc"
            };
            let error = check_broken(form, wire.as_bytes(), End::Silence, b"abc").await;
            assert!(
                matches!(error, TransferError::Stalled { after: STALL }),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn a_store_without_room_fails_the_transfer_on_our_side() {
        let (mut ours, mut theirs, spy) = pair();
        theirs.write_all(b"abc").await.unwrap();
        drop(theirs);
        let mut upload = MemoryUpload {
            full: true,
            ..MemoryUpload::default()
        };
        let form = form(RepresentationType::Image, TransmissionMode::Stream);
        let watched = Watched::default();
        let outcome = receive_file(&mut ours, &mut upload, form, watched.watch()).await;
        let full = matches!(outcome, Err(TransferError::Store(StoreError::NoSpace)));
        assert!(full, "{outcome:?}");
        drop(ours);
        assert!(spy.was_reset());
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_octets_are_read_while_the_store_takes_the_last() {
        let (mut ours, mut theirs, _) = pair();
        let bytes = pattern(2 * STORE_BYTES);
        let (taken, taking) = oneshot::channel();
        let mut upload = SlowUpload {
            inner: MemoryUpload::default(),
            taking: Some(taking),
        };
        let sending = async {
            theirs.write_all(&bytes).await.unwrap();
            drop(theirs);
            taken.send(()).unwrap();
        };
        let form = form(RepresentationType::Image, TransmissionMode::Stream);
        let watched = Watched::default();
        let receiving = receive_file(&mut ours, &mut upload, form, watched.watch());
        let both = async { tokio::join!(sending, receiving).1 };
        let received = timeout(STALL / 2, both).await.expect("read meanwhile");
        assert_eq!(received.unwrap().octets, bytes.len() as u64);
        assert!(upload.inner.bytes == bytes);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_without_room_is_told_though_the_sender_has_gone_silent() {
        let (mut ours, mut theirs, _) = pair();
        let mut upload = MemoryUpload {
            full: true,
            ..MemoryUpload::default()
        };
        let bytes = pattern(2 * STORE_BYTES);
        let form = form(RepresentationType::Image, TransmissionMode::Stream);
        let watched = Watched::default();
        let receiving = receive_file(&mut ours, &mut upload, form, watched.watch());
        let (_, outcome) = tokio::join!(
            timeout(STALL / 2, theirs.write_all(&bytes)),
            timeout(STALL / 2, receiving)
        );
        let outcome = outcome.expect("told before the stall");
        let full = matches!(outcome, Err(TransferError::Store(StoreError::NoSpace)));
        assert!(full, "{outcome:?}");
    }

    /// Takes its first octets only when told to.
    struct SlowUpload {
        inner: MemoryUpload,
        taking: Option<oneshot::Receiver<()>>,
    }

    impl Upload for SlowUpload {
        fn path(&self) -> &VirtualPath {
            self.inner.path()
        }

        fn write(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>> {
            Box::pin(async move {
                if let Some(taking) = self.taking.take() {
                    taking.await.unwrap();
                }
                self.inner.write(bytes).await
            })
        }

        fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
            Box::new(self.inner).commit()
        }

        fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
            Box::new(self.inner).abandon()
        }
    }

    #[tokio::test]
    async fn a_suspect_block_is_stored_and_told() {
        let (mut ours, mut theirs, _) = pair();
        theirs.write_all(b"\x20\0\x01a\x40\0\x01b").await.unwrap();
        let form = form(RepresentationType::Image, TransmissionMode::Block);
        let mut upload = MemoryUpload::default();
        let watched = Watched::default();
        let outcome = receive_file(&mut ours, &mut upload, form, watched.watch()).await;
        assert_eq!(
            outcome.unwrap(),
            Received {
                octets: 2,
                suspect: true
            }
        );
        assert_eq!(upload.bytes, b"ab");
    }

    #[tokio::test]
    async fn two_files_on_one_connection_are_kept_apart() {
        for structure in [Structure::File, Structure::Record] {
            let form = TransferParameters {
                representation: RepresentationType::Ascii,
                structure,
                mode: TransmissionMode::Block,
            };
            let (mut ours, theirs, _) = pair();
            let mut theirs = DataConnection::new(Box::new(theirs));
            let watched = Watched::default();
            let files: [&[u8]; 4] = [b"one\n", b"", &pattern(100_000), b"four\n"];
            for file in [files[0], files[1]] {
                let mut source = MemorySource::new(file);
                send_file(&mut ours, &mut source, 0, form, watched.watch())
                    .await
                    .unwrap();
            }
            let rest = async {
                for file in [files[2], files[3]] {
                    let mut source = MemorySource::new(file);
                    send_file(&mut ours, &mut source, 0, form, watched.watch())
                        .await
                        .unwrap();
                }
            };
            let receiving = async {
                for file in files {
                    let mut upload = MemoryUpload::default();
                    let watch = watched.watch();
                    receive_file(&mut theirs, &mut upload, form, watch)
                        .await
                        .unwrap();
                    assert!(upload.bytes.starts_with(file), "{structure:?}");
                    assert!(upload.bytes.len() - file.len() <= 1, "{structure:?}");
                    assert!(theirs.is_between_files());
                }
            };
            tokio::join!(rest, receiving);
        }
    }
}
