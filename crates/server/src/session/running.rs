//! The transfer that runs: what STAT tells, what ABOR stops, what the log keeps.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use thirdhost_proto::server::{Arrange, Event, Operation, Outcome, Transfer};
use thirdhost_wire::Command;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::accounts::Account;
use crate::dtp::{Mark, Progress};
use crate::record::{Arrangement, Finished, Record};

/// What STAT tells and ABOR stops while a transfer runs.
pub(super) struct RunningTransfer {
    pub(super) transfer: Transfer,
    pub(super) arranged: Option<Arrangement>,
    pub(super) control_peer: IpAddr,
    /// Set when the data connection opens.
    pub(super) data_peer: Arc<OnceLock<SocketAddr>>,
    /// The hash of an upload that is in place.
    pub(super) hashed: Arc<OnceLock<String>>,
    pub(super) began: Duration,
    pub(super) octets: Option<u64>,
    pub(super) progress: Arc<Progress>,
    pub(super) marks: watch::Receiver<Option<Mark>>,
    pub(super) stop: CancellationToken,
}

/// Waits for the next restart marker of the transfer that runs, and for ever if none does.
///
/// # Cancel safety
/// Cancel safe: a marker that was not told is told the next time.
pub(super) async fn marked(running: &mut Option<RunningTransfer>) {
    if let Some(running) = running
        && running.marks.changed().await.is_ok()
    {
        return running.marks.mark_changed();
    }
    std::future::pending::<()>().await;
}

impl super::Session {
    /// Tells the server-PI of a restart marker that has come and was not told yet.
    pub(super) fn tell_mark(&mut self) {
        let now = self.now();
        let Some(running) = &mut self.running else {
            return;
        };
        if !running.marks.has_changed().unwrap_or(false) {
            return;
        }
        let mark = running.marks.borrow_and_update().clone();
        // Nothing is kept of an APPE that fails, and STOU knows no REST: a promise to go on from
        // a marker would be an empty one.
        let begin = match running.transfer.operation {
            Operation::Store {
                offset, end: None, ..
            } => offset.unwrap_or(0),
            _ => return,
        };
        if let Some(Mark { theirs, octets }) = mark {
            let octets = begin.saturating_add(octets);
            self.pi.handle_event(now, Event::Marked { theirs, octets });
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
        // What moved within a pipeline may be of the files that follow.
        let octets = match outcome {
            Outcome::Completed { bytes, .. } if self.transfer.number.is_some() => *bytes,
            _ => self.progress.moved(),
        };
        record.transfer(&Finished {
            user: &account.name,
            anonymous: account.anonymous,
            control_peer: self.control_peer,
            data_peer: self.data_peer.get().copied(),
            arranged: self.arranged,
            operation: &self.transfer.operation,
            representation: self.transfer.parameters.representation,
            octets,
            hash: self.hashed.get().map(String::as_str),
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
