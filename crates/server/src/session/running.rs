//! The transfer that runs: what STAT tells, what ABOR stops, what the log keeps.

use std::sync::Arc;
use std::time::Duration;

use thirdhost_proto::server::{Event, Transfer};
use tokio_util::sync::CancellationToken;

use crate::dtp::Progress;

/// What STAT tells and ABOR stops while a transfer runs.
pub(super) struct RunningTransfer {
    pub(super) transfer: Transfer,
    pub(super) began: Duration,
    pub(super) octets: Option<u64>,
    pub(super) progress: Arc<Progress>,
    pub(super) stop: CancellationToken,
}

impl RunningTransfer {
    /// One line per transfer (spec D-15, S-71).
    pub(super) fn log(&self, now: Duration, user: &str, event: &Event) {
        let Event::Finished(outcome) = event else {
            return;
        };
        let Transfer {
            operation, route, ..
        } = &self.transfer;
        tracing::info!(
            user,
            path = ?operation.path().as_str(),
            direction = ?operation.direction(),
            ?route,
            ?outcome,
            octets = self.progress.moved(),
            seconds = now.saturating_sub(self.began).as_secs_f64(),
            "transfer"
        );
    }
}
