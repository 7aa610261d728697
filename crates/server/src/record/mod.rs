//! What is kept of what happened: one log line per transfer, the xferlog, and counts.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use thirdhost_proto::server::{Arrange, ArrangeRefusal, Operation, Outcome, Refusal};
use thirdhost_wire::{Direction, RepresentationType};

mod http;
mod metrics;
mod xferlog;

pub(crate) use http::serve;
pub(crate) use metrics::Now;

use metrics::Metrics;
use xferlog::Xferlog;

/// The record of one server, shared by its sessions.
#[derive(Debug, Default)]
pub(crate) struct Record {
    metrics: Metrics,
    xferlog: Mutex<Option<Xferlog>>,
}

impl Record {
    /// Opens the xferlog at `path`, or opens it again after it was rotated.
    ///
    /// # Errors
    /// Whatever the system says; a file that was open stays open.
    pub(crate) fn open_xferlog(&self, path: &Path) -> io::Result<()> {
        let opened = Xferlog::open(path)?;
        *self.xferlog.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened);
        Ok(())
    }

    /// A transfer is over (spec D-15, S-71).
    pub(crate) fn transfer(&self, finished: &Finished<'_>) {
        finished.log();
        self.metrics.transfer(finished);
        if *finished.outcome == Outcome::NotAdmitted {
            self.metrics.refused("not_admitted");
        }
        let mut xferlog = self.xferlog.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(error)) = xferlog.as_mut().map(|log| log.write(finished)) {
            tracing::error!(%error, "the xferlog cannot be written");
        }
    }

    /// A session begins.
    pub(crate) fn session(&self) {
        self.metrics.session();
    }

    /// A PASS was answered.
    pub(crate) fn login(&self, ok: bool) {
        self.metrics.login(ok);
    }

    /// An arrangement was refused.
    pub(crate) fn arrangement_refused(&self, refusal: &ArrangeRefusal) {
        self.metrics.refused(metrics::rule(refusal));
    }

    /// A session was refused because there are too many.
    pub(crate) fn session_refused(&self) {
        self.metrics.refused("sessions");
    }

    /// The counts, as Prometheus reads them.
    ///
    /// # Errors
    /// Never: strings take what is written to them.
    pub(crate) fn text(&self, now: Now) -> Result<String, fmt::Error> {
        self.metrics.text(now)
    }
}

/// A transfer that is over, and what an operator wants to know of it.
#[derive(Debug)]
pub(crate) struct Finished<'a> {
    pub(crate) user: &'a str,
    pub(crate) anonymous: bool,
    pub(crate) control_peer: IpAddr,
    /// The far end of the data connection; none if it never opened.
    pub(crate) data_peer: Option<SocketAddr>,
    pub(crate) arranged: Option<Arrangement>,
    pub(crate) operation: &'a Operation,
    pub(crate) representation: RepresentationType,
    pub(crate) octets: u64,
    pub(crate) took: Duration,
    /// The wall clock's time of its end.
    pub(crate) ended: SystemTime,
    pub(crate) outcome: &'a Outcome,
}

impl Finished<'_> {
    /// Whether the data went to, or came from, a host that is not the user's.
    pub(crate) fn is_third_party(&self) -> bool {
        let canonical = |peer: SocketAddr| peer.ip().to_canonical();
        self.data_peer
            .is_some_and(|peer| canonical(peer) != self.control_peer.to_canonical())
    }

    pub(crate) fn direction(&self) -> &'static str {
        match self.operation.direction() {
            Direction::Send => "send",
            Direction::Receive => "receive",
        }
    }

    pub(crate) fn arranged(&self) -> &'static str {
        self.arranged.map_or("none", Arrangement::name)
    }

    fn log(&self) {
        let data_peer = self.data_peer.map(tracing::field::display);
        // Strings of the user's are recorded as strings: every subscriber quotes those (S-63).
        tracing::info!(
            user = self.user,
            control_peer = %self.control_peer,
            data_peer,
            arranged = self.arranged(),
            third_party = self.is_third_party(),
            direction = self.direction(),
            operation = operation(self.operation),
            path = self.operation.path().as_str(),
            octets = self.octets,
            seconds = self.took.as_secs_f64(),
            outcome = outcome(self.outcome),
            "transfer"
        );
    }
}

/// Which command arranged a data connection.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Arrangement {
    Lstn,
    Sock,
    Pasv,
    Epsv,
    /// PORT and EPRT.
    Port,
}

impl Arrangement {
    /// What follows from `what`, after `earlier`. EPSV and PASV ask for the same; `extended`
    /// tells which of them the last one was.
    pub(crate) fn after(earlier: Option<Self>, what: Arrange, extended: bool) -> Option<Self> {
        match what {
            Arrange::Listen {
                direction: Some(_), ..
            } => Some(Self::Lstn),
            Arrange::Listen { .. } if extended => Some(Self::Epsv),
            Arrange::Listen { .. } => Some(Self::Pasv),
            Arrange::Hold { .. } => Some(Self::Sock),
            Arrange::Target { .. } => Some(Self::Port),
            // A SOCK that pins a listener; what listens stays.
            Arrange::Pin { .. } => earlier,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Lstn => "lstn",
            Self::Sock => "sock",
            Self::Pasv => "pasv",
            Self::Epsv => "epsv",
            Self::Port => "port",
        }
    }
}

fn operation(operation: &Operation) -> &'static str {
    match operation {
        Operation::Retrieve { .. } => "retrieve",
        Operation::Store { .. } => "store",
        Operation::StoreUnique { .. } => "store_unique",
        Operation::Append { .. } => "append",
        Operation::List { .. } => "list",
    }
}

/// The outcome as one word: for logs, and for metrics, where every word is a series.
pub(crate) fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Completed { .. } => "completed",
        Outcome::Refused(Refusal::NoSpace) | Outcome::Isolated(Refusal::NoSpace) => "no_space",
        Outcome::Refused(Refusal::Failed) | Outcome::Isolated(Refusal::Failed) => "failed",
        Outcome::Refused(_) | Outcome::Isolated(_) => "refused",
        Outcome::NotConnected => "not_connected",
        Outcome::NotAdmitted => "not_admitted",
        Outcome::ConnectionLost => "connection_lost",
        Outcome::TlsFailed(_) => "tls_failed",
        Outcome::SourceFailed => "source_failed",
        Outcome::OutOfStep => "out_of_step",
        Outcome::Malformed => "malformed",
        Outcome::Stopped => "stopped",
    }
}
