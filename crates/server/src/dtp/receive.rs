//! Receiving: a file from the data connection to the store.

use std::io;
use std::pin::pin;

use futures_util::future::{Either, select};
use thirdhost_proto::server::TransferParameters;
use thirdhost_sockets::Lent;
use tokio::sync::oneshot;

use super::convert::{Decoded, Decoder};
use super::patience::Patience;
use super::{DataConnection, Mark, TransferError, Watch};
use crate::store::{StoreError, Take, Upload};

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
    from.begin_file();
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
    /// The octets go straight into the buffer the store gets. One thread reads and stores them
    /// for as long as they come fast; otherwise, while the store takes one buffer, the next is
    /// filled.
    async fn receive_plain(
        &mut self,
        from: &mut DataConnection,
        sink: &mut Sink<'_>,
    ) -> Result<(), TransferError> {
        self.file.extend_from_slice(&from.ahead().split());
        let mut spare = Vec::new();
        let mut filled = self.fill(from).await;
        let mut pause = 0;
        while let Ok(Filled::Whole) = filled {
            if pause == 0
                && self.patience.is_unpaced()
                && let Some(upload) = sink.with_thread()
                && let Some(lent) = from.lend()
            {
                match self.receive_turn(from, lent, upload).await? {
                    TurnEnd::OfFile => return Ok(()),
                    TurnEnd::OfTime => {}
                    TurnEnd::OfOctets => pause = PAUSE_BUFFERS,
                }
                filled = self.fill(from).await;
                continue;
            }
            pause = pause.saturating_sub(1);
            let full = std::mem::replace(&mut self.file, spare);
            self.count(full.len());
            let storing = pin!(sink.take(full));
            (spare, filled) = match select(storing, pin!(self.fill(from))).await {
                Either::Left((stored, filling)) => (stored?, filling.await),
                Either::Right((filled, storing)) => (storing.await?, filled),
            };
        }
        filled.map(drop)
    }

    /// Stores what there is, and what comes meanwhile.
    async fn receive_turn(
        &mut self,
        from: &mut DataConnection,
        lent: Lent,
        upload: &mut dyn Upload,
    ) -> Result<TurnEnd, TransferError> {
        let (tell, told) = oneshot::channel();
        let file = std::mem::take(&mut self.file);
        self.count(file.len());
        let fetch = move |take: &mut Take<'_>| {
            let turned = turn(lent, file, take)?;
            // Nobody listens any more when the transfer was given up.
            drop(tell.send(turned));
            Ok(())
        };
        upload.write_from(Box::new(fetch)).await?;
        let turned = told.await.map_err(io::Error::other);
        let turned = turned.map_err(TransferError::Connection)?;
        from.take_back(turned.lent)?;
        self.file = turned.buffer;
        self.count(turned.octets);
        let moved = turned.octets.try_into().unwrap_or(u64::MAX);
        self.patience.moved(moved).await;
        turned.end.map_err(TransferError::Connection)
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
        self.count(file.len());
        self.file = sink.take(file).await?;
        Ok(())
    }

    fn count(&mut self, stored: usize) {
        self.octets += u64::try_from(stored).unwrap_or(u64::MAX);
    }
}

/// Reads and stores in one thread; `file` is stored first, and then its memory is the buffer.
fn turn(lent: Lent, file: Vec<u8>, take: &mut Take<'_>) -> Result<Turned, StoreError> {
    take(&file)?;
    let mut buffer = file;
    buffer.resize(STORE_BYTES, 0);
    let mut octets = 0;
    let end = loop {
        match lent.read(&mut buffer) {
            Ok(Some(0)) => break Ok(TurnEnd::OfFile),
            Ok(Some(read)) => {
                take(buffer.get(..read).unwrap_or_default())?;
                octets += read;
            }
            Ok(None) if octets < TURN_BYTES_MIN => break Ok(TurnEnd::OfOctets),
            Ok(None) => break Ok(TurnEnd::OfTime),
            Err(error) => break Err(error),
        }
    };
    buffer.clear();
    Ok(Turned {
        lent,
        buffer,
        octets,
        end,
    })
}

/// What a turn brought.
struct Turned {
    lent: Lent,
    buffer: Vec<u8>,
    octets: usize,
    end: io::Result<TurnEnd>,
}

/// Why a turn is over.
enum TurnEnd {
    /// The file has ended.
    OfFile,
    /// It is time, or no more came, but much had come before.
    OfTime,
    /// Little came.
    OfOctets,
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
    /// The upload, if it has a thread that fetches what it stores.
    fn with_thread(&mut self) -> Option<&mut dyn Upload> {
        match self {
            Sink::Upload(upload) if upload.has_thread() => Some(&mut **upload),
            _ => None,
        }
    }

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

/// A turn that brings less was not worth a thread.
const TURN_BYTES_MIN: usize = 4 * 1024 * 1024;

/// How many buffers are then received in the ordinary way.
const PAUSE_BUFFERS: u32 = 16;

/// The first buffer: a small file needs no more.
const STEP_BYTES_MIN: usize = 16 * 1024;

/// The most that is read at a time where octets are converted.
const AHEAD_BYTES_MAX: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use futures_util::future::BoxFuture;
    use socket2::SockRef;
    use thirdhost_proto::server::VirtualPath;
    use thirdhost_sockets::World;
    use thirdhost_wire::{RepresentationType, Structure, TransmissionMode};
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::super::testing::*;
    use super::super::{Pace, send_file};
    use super::*;
    use crate::store::{Fetch, StoreError};

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
        Error(io::ErrorKind),
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
            for kind in [io::ErrorKind::ConnectionReset, io::ErrorKind::TimedOut] {
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
        let end = End::Error(io::ErrorKind::UnexpectedEof);
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

    /// Both ends over the kernel's TCP, ours as a data connection.
    async fn kernel_pair() -> (DataConnection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = listener.local_addr().unwrap();
        let calling = World::real().network.call(None, peer);
        let (ours, theirs) = tokio::join!(calling, listener.accept());
        (DataConnection::new(ours.unwrap()), theirs.unwrap().0)
    }

    /// Keeps what comes, and knows how much a thread fetched.
    #[derive(Clone, Default)]
    struct ThreadedUpload(Arc<Mutex<(Vec<u8>, usize)>>);

    impl ThreadedUpload {
        fn kept(&self) -> (Vec<u8>, usize) {
            self.0.lock().unwrap().clone()
        }
    }

    impl Upload for ThreadedUpload {
        fn path(&self) -> &VirtualPath {
            unimplemented!("nobody asks")
        }

        fn write(&mut self, mut bytes: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>> {
            self.0.lock().unwrap().0.append(&mut bytes);
            Box::pin(async { Ok(bytes) })
        }

        fn has_thread(&self) -> bool {
            true
        }

        fn write_from(&mut self, fetch: Fetch) -> BoxFuture<'_, Result<(), StoreError>> {
            let kept = Arc::clone(&self.0);
            let fetching = tokio::task::spawn_blocking(move || {
                fetch(&mut |bytes| {
                    let mut kept = kept.lock().unwrap();
                    kept.0.extend_from_slice(bytes);
                    kept.1 += bytes.len();
                    Ok(())
                })
            });
            Box::pin(async { fetching.await.unwrap() })
        }

        fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
            unimplemented!("the caller's")
        }

        fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
            unimplemented!("the caller's")
        }
    }

    #[tokio::test]
    async fn what_comes_fast_is_fetched_by_the_thread_that_stores_it() {
        for length in [STORE_BYTES, STORE_BYTES + 1, 40 * STORE_BYTES + 17] {
            let (mut ours, mut theirs) = kernel_pair().await;
            let bytes = pattern(length);
            let mut upload = ThreadedUpload::default();
            let kept = upload.clone();
            let watched = Watched::default();
            let form = form(RepresentationType::Image, TransmissionMode::Stream);
            let (received, ()) = tokio::join!(
                receive_file(&mut ours, &mut upload, form, watched.watch()),
                async {
                    theirs.write_all(&bytes).await.unwrap();
                    theirs.shutdown().await.unwrap();
                },
            );
            let (came, by_thread) = kept.kept();
            assert!(came == bytes, "{length} octets");
            assert_eq!(received.unwrap().octets, length as u64);
            assert_eq!(watched.progress.moved(), length as u64);
            assert!(by_thread >= STORE_BYTES, "{by_thread} of {length}");
        }
    }

    #[tokio::test]
    async fn a_sender_that_falls_silent_has_no_thread_and_loses_nothing() {
        let (mut ours, mut theirs) = kernel_pair().await;
        let bytes = pattern(3 * STORE_BYTES);
        let mut upload = ThreadedUpload::default();
        let kept = upload.clone();
        let watched = Watched::default();
        let form = form(RepresentationType::Image, TransmissionMode::Stream);
        let sending = async {
            let (fast, slow) = bytes.split_at(2 * STORE_BYTES);
            theirs.write_all(fast).await.unwrap();
            let by_thread = loop {
                tokio::task::yield_now().await;
                let (came, by_thread) = kept.kept();
                if came.len() >= STORE_BYTES && watched.progress.moved() >= fast.len() as u64 {
                    break by_thread;
                }
            };
            // What comes now finds the runtime waiting, for a while.
            theirs.write_all(slow).await.unwrap();
            theirs.shutdown().await.unwrap();
            by_thread
        };
        let receiving = receive_file(&mut ours, &mut upload, form, watched.watch());
        let (received, by_thread) = tokio::join!(receiving, sending);
        assert_eq!(received.unwrap().octets, bytes.len() as u64);
        let (came, by_thread_at_last) = kept.kept();
        assert!(came == bytes);
        assert_eq!(by_thread, by_thread_at_last);
    }

    #[tokio::test]
    async fn a_reset_is_no_end_of_a_file_in_a_thread_either() {
        let (mut ours, mut theirs) = kernel_pair().await;
        let bytes = pattern(8 * STORE_BYTES);
        let mut upload = ThreadedUpload::default();
        let kept = upload.clone();
        let watched = Watched::default();
        let form = form(RepresentationType::Image, TransmissionMode::Stream);
        let (received, ()) = tokio::join!(
            receive_file(&mut ours, &mut upload, form, watched.watch()),
            async {
                theirs.write_all(&bytes).await.unwrap();
                SockRef::from(&theirs)
                    .set_linger(Some(Duration::ZERO))
                    .unwrap();
                drop(theirs);
            },
        );
        let reset = matches!(received, Err(TransferError::Connection(_)));
        assert!(reset, "{received:?}");
        let (came, _) = kept.kept();
        assert!(bytes.starts_with(&came));
    }

    #[tokio::test]
    async fn a_rate_is_kept_by_the_runtime() {
        let (mut ours, mut theirs) = kernel_pair().await;
        let bytes = pattern(4 * STORE_BYTES);
        let mut upload = ThreadedUpload::default();
        let kept = upload.clone();
        let mut watched = Watched::default();
        let rate = NonZeroU64::new(1 << 40).unwrap();
        watched.pace = Pace::default().and(Arc::default(), rate);
        let form = form(RepresentationType::Image, TransmissionMode::Stream);
        let (received, ()) = tokio::join!(
            receive_file(&mut ours, &mut upload, form, watched.watch()),
            async {
                theirs.write_all(&bytes).await.unwrap();
                theirs.shutdown().await.unwrap();
            },
        );
        received.unwrap();
        assert_eq!(kept.kept().1, 0);
    }
}
