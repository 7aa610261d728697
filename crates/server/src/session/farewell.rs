//! Between the last octet of an upload and its name: whether its user is still there.

use std::net::IpAddr;

use thirdhost_proto::server::Operation;
use thirdhost_wire::{RepresentationType, TransmissionMode};
use tokio_util::sync::CancellationToken;

use super::transfer::Job;
use crate::limits;
use crate::store::{StoreError, Upload};

/// Whatever takes long before an upload appears. None where it is to be given up: by then its user
/// may be gone, and another session have stored the same file.
pub(super) async fn settle(
    stop: &CancellationToken,
    upload: &mut dyn Upload,
) -> Option<Result<(), StoreError>> {
    let settled = stop.run_until_cancelled(upload.settle()).await?;
    (!stop.is_cancelled()).then_some(settled)
}

/// Whether the control connection has ended with the data connection: the system closes both in
/// order when a user's process dies, and in MODE S the end of the one looks like the end of the
/// file (spec M-14). The session reads the control connection while this waits: once for what
/// is known already, once for what the system reports meanwhile, and where the user sends the
/// file itself, for what comes a moment later. Under TLS an end without a word is an error
/// already, or noted where that is waived, and of a file as long as ALLO said nothing is missing.
pub(super) async fn has_lost_its_user(job: &mut Job, peer: IpAddr, octets: u64) -> bool {
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    let parameters = job.transfer.parameters;
    let is_users_own = peer.to_canonical() == job.control_peer;
    let is_announced = job.announced == Some(octets)
        && parameters.representation == RepresentationType::Image
        && !matches!(
            job.transfer.operation,
            Operation::Store {
                offset: Some(_),
                ..
            }
        );
    let may_be_cut = parameters.mode == TransmissionMode::Stream
        && (job.line.handshake.as_ref()).is_none_or(|handshake| handshake.is_cut());
    if is_users_own && may_be_cut && !is_announced {
        let later = job.clock.sleep(limits::LAST_WORD);
        return job.stop.run_until_cancelled(later).await.is_none();
    }
    job.stop.is_cancelled()
}
