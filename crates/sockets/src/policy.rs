//! The question every data connection must pass: may we meet this peer? (spec S-2, S-3, S-15)

use std::fmt;
use std::net::IpAddr;

use thirdhost_wire::{AddressClass, Direction, HostSocket, PORT_UNPRIVILEGED};

/// Decides which peers a data connection may have.
///
/// It is asked before a call leaves the host, and for a caller that passed the filter before the
/// caller is handed out; a server also asks it when the command that names the peer arrives. The
/// answer may change in between, since configuration may be reloaded.
pub trait Policy: fmt::Debug + Send + Sync {
    /// Admits the peer, or says which rule forbids it.
    ///
    /// # Errors
    /// The rule that forbids it.
    fn admit(&self, question: &PeerQuestion) -> Result<(), Denied>;
}

/// One peer, and what it is wanted for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PeerQuestion {
    /// Who opens the connection. Two questions, two settings.
    pub initiative: Initiative,
    /// The far end. For a pin without a port (spec A-7) the port is not known when SOCK comes;
    /// such a question is asked when the peer has called.
    pub peer: HostSocket,
    /// Where the bytes would go, as this host sees it; `None` while it is not known, as when
    /// PORT or SOCK comes before the transfer command.
    pub direction: Option<Direction>,
}

/// Who opens a connection.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Initiative {
    /// We call the peer.
    Call,
    /// The peer called us.
    Accept,
}

/// The rule that forbids a peer. The text is for the log and the operator.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// No setting admits such a host.
    #[error("{host} is {class}, and no setting admits such an address")]
    NeverAllowed {
        /// The host.
        host: IpAddr,
        /// Its class.
        class: AddressClass,
    },
    /// The port belongs to a system service (spec S-1).
    #[error("{peer} is a port below {PORT_UNPRIVILEGED}; third_party.privileged_ports admits it")]
    PrivilegedPort {
        /// The peer.
        peer: HostSocket,
    },
    /// The user may call other ports of third hosts alone (spec S-11).
    #[error("{peer} has a port outside third_party.ports")]
    Port {
        /// The peer.
        peer: HostSocket,
    },
    /// The user may transfer other files with third hosts, or under TLS alone (spec S-11).
    #[error("this file may not be transferred with the third host {host}: {rule}")]
    File {
        /// The host.
        host: IpAddr,
        /// The setting that says so.
        rule: &'static str,
    },
    /// The peer is the server itself (design D12).
    #[error("{host} is an address of this server; list it in {} to admit it", settings(*direction))]
    OwnAddress {
        /// The host.
        host: IpAddr,
        /// Where the bytes would have gone.
        direction: Option<Direction>,
    },
    /// The peer is where the server itself listens for users: it would talk to itself, and take
    /// itself for a user at this machine (spec S-3).
    #[error("at {peer} this server listens itself, and no setting admits that")]
    OwnListener {
        /// The peer.
        peer: HostSocket,
    },
    /// The peer is in a range that a rule has to name itself (spec S-3).
    #[error("{host} is {class}; name its range in {} to admit it", settings(*direction))]
    SpecialRange {
        /// The host.
        host: IpAddr,
        /// Its class.
        class: AddressClass,
        /// Where the bytes would have gone.
        direction: Option<Direction>,
    },
    /// The user was given no right to meet this third host this way (spec S-10, S-11).
    #[error("{} is a third host that the user may not meet; list it in {} to admit it",
        peer.host(), settings(*direction))]
    NotGranted {
        /// The peer.
        peer: HostSocket,
        /// Where the bytes would have gone.
        direction: Option<Direction>,
    },
}

fn settings(direction: Option<Direction>) -> &'static str {
    match direction {
        Some(Direction::Send) => "third_party.send_to",
        Some(Direction::Receive) => "third_party.receive_from",
        None => "third_party.send_to or third_party.receive_from",
    }
}
