//! The files of a pipeline: taken by their number, failed one by one, skipped where refused.

use std::sync::Arc;
use std::time::Duration;

use thirdhost_proto::server::{Event, Outcome, Skip};
use thirdhost_sockets::Clock;
use thirdhost_wire::Direction;
use tokio_util::sync::CancellationToken;

use super::farewell::settle;
use super::refusal::refusal;
use super::sockets::{DataSockets, Line};
use super::transfer::{Job, Step, broken, connect, stopped};
use crate::dtp::{
    DataConnection, Pace, Progress, TransferError, Watch, discard_file, receive_number,
    receive_or_discard, send_failure,
};
use crate::store::{StoreError, Upload};

/// Everything it takes to fill the place of a refused command, owned.
#[derive(Debug)]
pub(super) struct SkipJob {
    pub(super) skip: Skip,
    pub(super) sockets: DataSockets,
    pub(super) line: Line,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) pace: Pace,
    pub(super) stall: Duration,
    pub(super) stop: CancellationToken,
}

/// Fills the place of a refused command, so that both ends go on counting alike.
pub(super) async fn skip(mut job: SkipJob) -> Step {
    let stop = job.stop.clone();
    let was_kept = job.sockets.is_kept();
    let outcome = match stop.run_until_cancelled(pass(&mut job)).await {
        None => Outcome::Stopped,
        Some(Err(outcome)) => outcome,
        Some(Ok(connection)) => {
            job.sockets.keep(connection);
            Outcome::Completed {
                bytes: 0,
                kept: true,
            }
        }
    };
    if was_kept && !job.sockets.is_kept() {
        job.sockets.discard_backlog();
    }
    Step::Finished(Event::Finished(outcome), Box::new(job.sockets))
}

async fn pass(job: &mut SkipJob) -> Result<DataConnection, Outcome> {
    let Skip {
        number,
        direction,
        route,
        structure,
        ..
    } = job.skip;
    let mut connection = connect(&mut job.sockets, &job.line, route, direction).await?;
    let watch = Watch {
        progress: &Progress::default(),
        stall: job.stall,
        pace: &job.pace,
        clock: &*job.clock,
    };
    let passed = match direction {
        Direction::Send => {
            connection.open_numbered(number);
            send_failure(&mut connection, watch).await
        }
        Direction::Receive => {
            expect(&mut connection, number, watch).await?;
            let discarded = discard_file(&mut connection, structure, watch).await;
            discarded.map(drop)
        }
    };
    match passed {
        Ok(()) => Ok(connection),
        Err(error) => Err(broken(connection, &error)),
    }
}

/// Receives the file of this number into an upload that appears only when all of it has come.
/// One that the source gave up, or that the store does not take, fails alone.
pub(super) async fn receive(
    job: &mut Job,
    mut connection: DataConnection,
    mut upload: Box<dyn Upload>,
    number: u64,
    watch: Watch<'_>,
) -> Outcome {
    let parameters = job.transfer.parameters;
    let receiving = async {
        expect(&mut connection, number, watch).await?;
        let received = receive_or_discard(&mut connection, &mut *upload, parameters, watch);
        received
            .await
            .map_err(|error| super::transfer::outcome(&error))
    };
    let received = match job.stop.run_until_cancelled(receiving).await {
        Some(Ok(received)) => received,
        Some(Err(outcome)) => {
            upload.abandon().await;
            connection.reset();
            return outcome;
        }
        None => {
            upload.abandon().await;
            return stopped(connection);
        }
    };
    let settled = match received {
        Ok(ref received) if !received.suspect => settle(&job.stop, &mut *upload).await,
        _ => Some(Ok(())),
    };
    let Some(settled) = settled else {
        upload.abandon().await;
        return stopped(connection);
    };
    job.sockets.keep(connection);
    let stored = match received.and_then(|received| settled.map(|()| received)) {
        Ok(received) if received.suspect => {
            tracing::warn!(number, "the source gave the file up; it is not stored");
            upload.abandon().await;
            return Outcome::SourceFailed;
        }
        Ok(received) => upload.commit().await.map(|()| received.octets),
        Err(error) => {
            upload.abandon().await;
            Err(error)
        }
    };
    match stored {
        Ok(bytes) => Outcome::Completed { bytes, kept: true },
        Err(error) => isolated(&error),
    }
}

/// Ends a file that could not be sent to its end, so that the next one can follow.
pub(super) async fn give_up(
    job: &mut Job,
    mut connection: DataConnection,
    error: TransferError,
    watch: Watch<'_>,
) -> Outcome {
    let outcome = match &error {
        TransferError::Store(error) => isolated(error),
        TransferError::SourceChanged => {
            tracing::warn!(%error, "transfer failed");
            Outcome::Isolated(thirdhost_proto::server::Refusal::Failed)
        }
        _ => return broken(connection, &error),
    };
    let failing = send_failure(&mut connection, watch);
    match job.stop.run_until_cancelled(failing).await {
        None => stopped(connection),
        Some(Err(error)) => broken(connection, &error),
        Some(Ok(())) => {
            job.sockets.keep(connection);
            outcome
        }
    }
}

/// Reads the number in front of a file. Another one, or none, and the two ends have lost step:
/// nothing that comes on this connection is what it is expected to be.
async fn expect(
    connection: &mut DataConnection,
    expected: u64,
    watch: Watch<'_>,
) -> Result<(), Outcome> {
    match receive_number(connection, watch).await {
        Ok(number) if number == expected => Ok(()),
        Ok(number) => {
            tracing::warn!(number, expected, "the data connection is out of step");
            Err(Outcome::OutOfStep)
        }
        Err(TransferError::Malformed(error)) => {
            tracing::warn!(%error, expected, "the data connection is out of step");
            Err(Outcome::OutOfStep)
        }
        Err(error) => Err(super::transfer::outcome(&error)),
    }
}

fn isolated(error: &StoreError) -> Outcome {
    tracing::warn!(%error, "transfer failed");
    Outcome::Isolated(refusal(error))
}
