//! One session of a server: the real server-PI, and what its shell holds and does for it.

use std::time::Duration;

use thirdhost_proto::server::{
    ClearLogin, ClearTransfers, Event, Hosts, Identity, Limits, Permissions, Plan, Question,
    ServerPi, Settings, TlsOffer, Transfer, Unpinned,
};
use thirdhost_proto::third_party::Side;
use thirdhost_wire::Command;

use crate::network::USER;

/// Stands for `Session` and `DataSockets` of the server, which hold the same.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) pi: ServerPi,
    pub(crate) control: Control,
    pub(crate) reservation: Reservation,
    pub(crate) work: Work,
    /// ABOR has come for the transfer.
    pub(crate) stopping: bool,
}

/// The control connection, as the server sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Control {
    Open,
    /// The user is gone without a word.
    Silent,
    Ended,
}

/// A port of ours that is set aside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reservation {
    Nothing,
    Listening(u16),
    Held(u16),
}

/// What the shell does.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    Nothing,
    Asked(Question),
    /// The file is being opened.
    Opening(Box<Transfer>),
    /// The data connection is being opened.
    Connecting(Box<Transfer>),
    /// There is a data connection.
    Moving(Box<Transfer>),
    /// All is sent, and the end behind it.
    Sent,
}

impl Session {
    /// Logged in; under TLS from the first octet where `tls` says so.
    pub(crate) fn logged_in(user: std::net::IpAddr, tls: bool) -> Self {
        let settings = Settings {
            peer: user,
            unpinned: Unpinned::ControlHost,
            clear_login: ClearLogin::Everyone,
            users_differ: false,
            clear_transfers: ClearTransfers::WithoutTls,
            tls: if tls {
                TlsOffer::Implicit
            } else {
                TlsOffer::Absent
            },
            mdtm_sets: false,
            hosts: Hosts::default(),
            limits: Limits::default(),
        };
        let mut pi = ServerPi::new(NOW, settings);
        for line in ["USER alice", "PASS secret"] {
            pi.handle_command(NOW, Command::parse(line.as_bytes()));
        }
        let name = if user == USER { "alice" } else { "mallory" };
        let identity = Identity {
            name: name.to_owned(),
            permissions: Permissions::all(),
            operator: false,
            clear_transfers: None,
        };
        pi.handle_event(NOW, Event::Authenticated(Some(identity)));
        while pi.poll_effect().is_some() {}
        Self {
            pi,
            control: Control::Open,
            reservation: Reservation::Nothing,
            work: Work::Nothing,
            stopping: false,
        }
    }

    pub(crate) fn port(&self) -> Option<u16> {
        match self.reservation {
            Reservation::Nothing => None,
            Reservation::Listening(port) | Reservation::Held(port) => Some(port),
        }
    }

    /// The transfer that has no end yet.
    pub(crate) fn transfer(&self) -> Option<&Transfer> {
        match &self.work {
            Work::Opening(transfer) | Work::Connecting(transfer) | Work::Moving(transfer) => {
                Some(transfer)
            }
            Work::Nothing | Work::Asked(_) | Work::Sent => None,
        }
    }

    /// Whether what the shell holds is what the server-PI's plan says.
    pub(crate) fn holds_what_it_plans(&self) -> bool {
        match (self.pi.plan(), self.reservation) {
            (Plan::Default, held) => held == Reservation::Nothing,
            (Plan::Active { local, .. }, held) => {
                held == local.map_or(Reservation::Nothing, Reservation::Held)
            }
            (Plan::Passive { port, .. }, held) => held == Reservation::Listening(*port),
        }
    }
}

/// The server at which a session is: the user has one at each, the intruder the third.
pub(crate) fn side(session: usize, intruder_at: Side) -> Side {
    match session {
        SOURCE => Side::Source,
        DESTINATION => Side::Destination,
        _ => intruder_at,
    }
}

pub(crate) fn session_of(side: Side) -> usize {
    match side {
        Side::Source => SOURCE,
        Side::Destination => DESTINATION,
    }
}

pub(crate) const SOURCE: usize = 0;
pub(crate) const DESTINATION: usize = 1;
pub(crate) const INTRUDERS: usize = 2;
pub(crate) const SESSIONS: [usize; 3] = [SOURCE, DESTINATION, INTRUDERS];
pub(crate) const USERS: [usize; 2] = [SOURCE, DESTINATION];

/// The moment at which all happens, but for the end of patience.
pub(crate) const NOW: Duration = Duration::ZERO;

/// A moment at which every limit on silence is over.
pub(crate) const LATE: Duration = Duration::from_hours(1);
