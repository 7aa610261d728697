//! One transfer performed: the file, then the data connection, then the bytes. RFC 438 clause b.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thirdhost_proto::server::{Event, Opened, Operation, Outcome, Permissions, Route, Transfer};
use thirdhost_sockets::Clock;
use thirdhost_wire::{Direction, HashAlgorithm, RepresentationType, TransmissionMode};
use tokio_util::sync::CancellationToken;

use super::farewell::{has_lost_its_user, settle};
use super::hashed::Hashed;
use super::range::{begin_part, open_part};
use super::refusal::refusal;
use super::sockets::{DataSockets, Line, OpenFailure};
use super::{listing, pipeline};
use crate::busy;
use crate::dtp::{
    DataConnection, Pace, Progress, TransferError, Watch, close_received, close_sent, receive_file,
    send_file, send_listing,
};
use crate::parts::Parts;
use crate::store::{Pages, Source, Store, StoreError, Upload, UploadKind};

/// Everything a transfer needs, owned.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) transfer: Transfer,
    pub(super) store: Arc<dyn Store>,
    pub(super) permissions: Permissions,
    pub(super) sockets: DataSockets,
    pub(super) line: Line,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) progress: Arc<Progress>,
    pub(super) pace: Pace,
    /// Told when the data connection is open.
    pub(super) data_peer: Arc<OnceLock<SocketAddr>>,
    /// Where the user is.
    pub(super) control_peer: IpAddr,
    /// Whether another command waits behind this one.
    pub(super) is_followed: bool,
    /// The file that this one is a part of.
    pub(super) part_of: Option<Arc<Parts>>,
    /// How long the file is, as ALLO said.
    pub(super) announced: Option<u64>,
    /// What uploads are hashed with, for the log.
    pub(super) hash: Option<HashAlgorithm>,
    /// Told when an upload is in place.
    pub(super) hashed: Arc<OnceLock<String>>,
    pub(super) stall: Duration,
    /// Cancelled by ABOR and by the end of the control connection.
    pub(super) stop: CancellationToken,
}

/// A step of a transfer that is over, and what comes after it.
pub(super) enum Step {
    /// The file is open; the rest is still to come.
    Opened(Opened, BoxFuture<'static, Step>),
    /// All is over; the sockets come back to the session.
    Finished(Event, Box<DataSockets>),
}

/// Opens the file. Nothing has gone to the network yet (spec S-4).
pub(super) async fn open(mut job: Job) -> Step {
    let opening = job.stop.clone().run_until_cancelled_owned(open_file(
        Arc::clone(&job.store),
        job.transfer.clone(),
        job.part_of.take(),
        job.permissions.clone(),
        job.clock.wall(),
    ));
    let outcome = match opening.await {
        Some(Ok(file)) => {
            let file = file.hashed(&job);
            let opened = file.opened(&job.transfer);
            return Step::Opened(opened, run(job, file).boxed());
        }
        Some(Err(error)) => Outcome::Refused(refusal(&error)),
        None => Outcome::Stopped,
    };
    // In a pipeline the peer calls for the other files too, and for this one's place.
    if job.transfer.number.is_none() {
        job.sockets.discard_backlog();
    }
    Step::Finished(Event::Finished(outcome), Box::new(job.sockets))
}

/// What is sent or received.
enum OpenFile {
    Send(Box<dyn Source>, u64),
    List(Box<dyn Pages>),
    Receive(Box<dyn Upload>),
}

impl OpenFile {
    /// Hashes a file that comes whole, where the log wants it.
    fn hashed(self, job: &Job) -> Self {
        let whole = matches!(
            job.transfer.operation,
            Operation::Store { offset: None, .. } | Operation::StoreUnique { .. }
        );
        match (self, job.hash) {
            (Self::Receive(upload), Some(algorithm)) if whole => {
                let told = Arc::clone(&job.hashed);
                Self::Receive(Box::new(Hashed::new(upload, algorithm, told)))
            }
            (file, _) => file,
        }
    }

    fn opened(&self, transfer: &Transfer) -> Opened {
        match self {
            Self::Send(source, offset) => {
                let image = transfer.parameters.representation == RepresentationType::Image;
                let octets = image.then(|| source.size().saturating_sub(*offset));
                Opened { octets, name: None }
            }
            Self::List(_) => Opened::default(),
            Self::Receive(upload) => {
                let unique = matches!(transfer.operation, Operation::StoreUnique { .. });
                let name = unique.then(|| upload.path().as_str().to_owned());
                Opened { octets: None, name }
            }
        }
    }
}

async fn open_file(
    store: Arc<dyn Store>,
    transfer: Transfer,
    part_of: Option<Arc<Parts>>,
    permissions: Permissions,
    now: SystemTime,
) -> Result<OpenFile, StoreError> {
    let upload = |path, kind| {
        let store = &store;
        async move { Ok(OpenFile::Receive(store.begin(path, kind).await?)) }
    };
    match &transfer.operation {
        Operation::Retrieve { path, offset, end } => {
            let source = open_part(&*store, path, *offset, *end).await?;
            Ok(OpenFile::Send(source, *offset))
        }
        Operation::Store {
            path,
            offset,
            end: Some(end),
            part_of: Some(_),
        } => {
            let parts = part_of.ok_or(StoreError::NotFound)?;
            let part = parts.part(path, offset.unwrap_or(0), *end)?;
            Ok(OpenFile::Receive(part))
        }
        Operation::Store {
            path,
            offset,
            end: Some(end),
            part_of: None,
        } => {
            let upload = begin_part(&*store, path, offset.unwrap_or(0), *end).await?;
            Ok(OpenFile::Receive(upload))
        }
        Operation::Store {
            path, offset: None, ..
        } => upload(path, UploadKind::Replace).await,
        Operation::Store {
            path,
            offset: Some(offset),
            ..
        } => upload(path, UploadKind::Resume { offset: *offset }).await,
        Operation::StoreUnique { hint } => upload(hint, UploadKind::Unique).await,
        Operation::Append { path } => upload(path, UploadKind::Append).await,
        Operation::List {
            target,
            without_options,
            form,
        } => {
            let other = without_options.as_ref();
            let opening = listing::open(&*store, target, other, *form, permissions, now);
            Ok(OpenFile::List(opening.await?))
        }
    }
}

/// Opens the data connection and moves the bytes.
async fn run(mut job: Job, file: OpenFile) -> Step {
    let direction = job.transfer.operation.direction();
    let kept = job
        .sockets
        .take_kept(&job.line, job.transfer.route, direction);
    let connected = match kept {
        Some(kept) => kept.map_err(|failure| no_connection(&failure)),
        None => {
            let connecting = connect(&mut job.sockets, &job.line, job.transfer.route, direction);
            // Boxed: a file for which nothing is opened needs no room for it.
            let connected = job.stop.run_until_cancelled(connecting.boxed()).await;
            connected.unwrap_or(Err(Outcome::Stopped))
        }
    };
    let outcome = match connected {
        Ok(connection) => {
            job.data_peer.get_or_init(|| connection.peer());
            move_bytes(&mut job, connection, file).await
        }
        Err(outcome) => {
            if let OpenFile::Receive(upload) = file {
                upload.abandon().await;
            }
            outcome
        }
    };
    if !job.sockets.is_kept() {
        job.sockets.discard_backlog();
    }
    Step::Finished(Event::Finished(outcome), Box::new(job.sockets))
}

/// Opens the data connection.
pub(super) async fn connect(
    sockets: &mut DataSockets,
    line: &Line,
    route: Route,
    direction: Direction,
) -> Result<DataConnection, Outcome> {
    match sockets.open(line, route, direction).await {
        Ok(connection) => {
            tracing::debug!(peer = %connection.peer(), "data connection open");
            Ok(connection)
        }
        Err(failure) => Err(no_connection(&failure)),
    }
}

fn no_connection(failure: &OpenFailure) -> Outcome {
    let cause = std::error::Error::source(failure).map(ToString::to_string);
    tracing::warn!(%failure, cause, "no data connection");
    match failure {
        OpenFailure::Open(thirdhost_sockets::OpenError::Denied(_)) => Outcome::NotAdmitted,
        OpenFailure::Tls(error) => Outcome::TlsFailed(error.failure()),
        _ => Outcome::NotConnected,
    }
}

async fn move_bytes(job: &mut Job, mut connection: DataConnection, file: OpenFile) -> Outcome {
    let parameters = job.transfer.parameters;
    let clock = Arc::clone(&job.clock);
    let progress = Arc::clone(&job.progress);
    let pace = std::mem::take(&mut job.pace);
    let watch = Watch {
        progress: &progress,
        stall: job.stall,
        pace: &pace,
        clock: &*clock,
    };
    let stop = job.stop.clone();
    let number = job.transfer.number;
    if let (Some(number), false) = (number, matches!(file, OpenFile::Receive(_))) {
        connection.open_numbered(number);
        // Where all is done at once, the next file is a moment away.
        connection.hold_back(job.is_followed && busy::may_block());
    }
    let moved = match file {
        OpenFile::Send(mut source, offset) => {
            let sending = send_file(&mut connection, &mut *source, offset, parameters, watch);
            stop.run_until_cancelled(sending).await
        }
        OpenFile::List(mut pages) => {
            let sending = send_listing(&mut connection, &mut *pages, parameters.mode, watch);
            stop.run_until_cancelled(sending).await
        }
        OpenFile::Receive(upload) => {
            return match number {
                Some(number) => pipeline::receive(job, connection, upload, number, watch).await,
                None => receive(job, connection, upload, watch).await,
            };
        }
    };
    let bytes = match moved {
        None => return stopped(connection),
        Some(Err(error)) if number.is_some() => {
            return pipeline::give_up(job, connection, error, watch).await;
        }
        Some(Err(error)) => return broken(connection, &error),
        Some(Ok(bytes)) => bytes,
    };
    if parameters.mode == TransmissionMode::Block {
        job.sockets.keep(connection);
        return Outcome::Completed { bytes, kept: true };
    }
    match stop
        .run_until_cancelled(close_sent(connection, watch))
        .await
    {
        None => Outcome::Stopped,
        Some(Err(error)) => outcome(&error),
        Some(Ok(())) => Outcome::Completed { bytes, kept: false },
    }
}

/// Receives into an upload that appears only when all of it has come (design D10).
async fn receive(
    job: &mut Job,
    mut connection: DataConnection,
    mut upload: Box<dyn Upload>,
    watch: Watch<'_>,
) -> Outcome {
    let parameters = job.transfer.parameters;
    let receiving = receive_file(&mut connection, &mut *upload, parameters, watch);
    let received = job.stop.run_until_cancelled(receiving).await;
    let received = match received {
        Some(Ok(received)) => received,
        Some(Err(error)) => {
            upload.abandon().await;
            return broken(connection, &error);
        }
        None => {
            upload.abandon().await;
            return stopped(connection);
        }
    };
    if received.suspect {
        tracing::warn!("the source marked the file as suspect; it is stored all the same (M-20)");
    }
    let settled = settle(&job.stop, &mut *upload).await;
    if settled.is_none() || has_lost_its_user(job, connection.peer().ip(), received.octets).await {
        upload.abandon().await;
        return stopped(connection);
    }
    // Completion is said after the data is in place (design D10); from here on ABOR is too late.
    let stored = match settled {
        Some(Err(error)) => {
            upload.abandon().await;
            Err(error)
        }
        _ => upload.commit().await,
    };
    if let Err(error) = stored {
        connection.reset();
        return Outcome::Refused(refusal(&error));
    }
    let bytes = received.octets;
    if parameters.mode == TransmissionMode::Block {
        job.sockets.keep(connection);
        return Outcome::Completed { bytes, kept: true };
    }
    close_received(connection, watch).await;
    Outcome::Completed { bytes, kept: false }
}

pub(super) fn stopped(connection: DataConnection) -> Outcome {
    connection.reset();
    Outcome::Stopped
}

pub(super) fn broken(connection: DataConnection, error: &TransferError) -> Outcome {
    connection.reset();
    outcome(error)
}

/// Whose fault it was decides the reply: 426 theirs, 451 and 552 ours.
pub(super) fn outcome(error: &TransferError) -> Outcome {
    tracing::warn!(%error, "transfer failed");
    match error {
        TransferError::Store(error) => Outcome::Refused(refusal(error)),
        TransferError::SourceChanged => Outcome::Refused(thirdhost_proto::server::Refusal::Failed),
        TransferError::Malformed(_) => Outcome::Malformed,
        _ => Outcome::ConnectionLost,
    }
}
