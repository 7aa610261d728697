//! The transfer that runs: what STAT tells, what ABOR stops, what the log keeps.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use thirdhost_proto::server::{Arrange, Event, Transfer};
use thirdhost_wire::Command;
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

impl super::Session {
    /// Stops what moves bytes; it still has to finish.
    pub(super) fn stop_moving(&self) {
        let running = self.running.as_ref().map(|running| &running.stop);
        for stop in running.into_iter().chain(&self.skipping) {
            stop.cancel();
        }
    }

    /// Puts the transfer that ran on record.
    pub(super) fn record(&mut self, event: &Event) {
        let clock = &self.shared.world.clock;
        let (now, wall) = (clock.now(), clock.wall());
        if let (Some(running), Some(user)) = (self.running.take(), &self.user) {
            let (record, times) = (&self.shared.record, Times { now, wall });
            running.record(record, times, &user.account, event);
        }
    }
}

/// Which command arranged the data connection, for the record.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ArrangedBy {
    how: Option<Arrangement>,
    /// Whether the last PASV or EPSV was EPSV: both ask for the same.
    extended: bool,
}

impl ArrangedBy {
    /// A command has come.
    pub(super) fn hear(&mut self, command: &Command) {
        match command {
            Command::Pasv => self.extended = false,
            Command::Epsv(_) => self.extended = true,
            _ => {}
        }
    }

    /// An arrangement was made.
    pub(super) fn by(&mut self, what: Arrange) {
        self.how = Arrangement::after(self.how, what, self.extended);
    }

    pub(super) fn how(self) -> Option<Arrangement> {
        self.how
    }
}

impl RunningTransfer {
    /// Puts a transfer that is over on record (spec D-15, S-71).
    fn record(&self, record: &Record, times: Times, account: &Account, event: &Event) {
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
struct Times {
    now: Duration,
    wall: SystemTime,
}
