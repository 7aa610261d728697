//! The transfer that runs: what STAT tells, what ABOR stops, what the log keeps.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use thirdhost_proto::server::{Event, Transfer};
use tokio_util::sync::CancellationToken;

use crate::accounts::Account;
use crate::dtp::Progress;
use crate::record::{Arrangement, Finished, Record};

/// What STAT tells and ABOR stops while a transfer runs.
pub(super) struct RunningTransfer {
    pub(super) transfer: Transfer,
    pub(super) arranged: Option<Arrangement>,
    pub(super) control_peer: IpAddr,
    /// Set when the data connection opens.
    pub(super) data_peer: Arc<OnceLock<SocketAddr>>,
    pub(super) began: Duration,
    pub(super) octets: Option<u64>,
    pub(super) progress: Arc<Progress>,
    pub(super) stop: CancellationToken,
}

impl RunningTransfer {
    /// Puts a transfer that is over on record (spec D-15, S-71).
    pub(super) fn record(&self, record: &Record, times: Times, account: &Account, event: &Event) {
        let Event::Finished(outcome) = event else {
            return;
        };
        record.transfer(&Finished {
            user: &account.name,
            anonymous: account.anonymous,
            control_peer: self.control_peer,
            data_peer: self.data_peer.get().copied(),
            arranged: self.arranged,
            operation: &self.transfer.operation,
            representation: self.transfer.parameters.representation,
            octets: self.progress.moved(),
            took: times.now.saturating_sub(self.began),
            ended: times.wall,
            outcome,
        });
    }
}

/// The clock's time and the wall clock's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) now: Duration,
    pub(super) wall: SystemTime,
}
