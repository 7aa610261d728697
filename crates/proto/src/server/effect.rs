//! What a server-PI asks for and is told: two closed enums, nothing else goes in or out.

use std::net::IpAddr;

use thirdhost_wire::{
    AcceptFilter, Direction, FactSet, HostSocket, NetworkProtocol, Password, Reply,
    RepresentationType, Structure, Text, TransmissionMode,
};

use super::{Permissions, VirtualPath};

/// A thing to do, in the order in which they are polled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Send a reply to the user.
    Reply(Reply),
    /// Check a password. Answered by [`Event::Authenticated`].
    Authenticate {
        /// The name from USER.
        user: Text,
        /// The argument of PASS.
        password: Password,
    },
    /// Arrange a data connection. Answered by [`Event::Arranged`].
    Arrange(Arrange),
    /// Give back the reserved socket and reset what waits in its backlog.
    Release,
    /// Close the data connection that was kept open; the reserved socket stays.
    Disconnect,
    /// Ask the store. Answered by [`Event::Answered`].
    Ask(Question),
    /// Open the file, then the data connection, and move bytes. Answered by [`Event::Opened`]
    /// when the file is open, and by [`Event::Finished`] in any case.
    Transfer(Transfer),
    /// Stop the running transfer; [`Event::Finished`] is still owed.
    StopTransfer,
    /// Tell how far the running transfer is. Answered by [`Event::Progress`].
    AskProgress,
    /// Send what is queued and close the control connection.
    Close,
}

/// How a data connection is to be arranged; policy is asked first (design D3, D12).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arrange {
    /// Reserve a socket and listen on it: LSTN, PASV, EPSV.
    Listen {
        /// The network protocol asked for; none means that of the control connection.
        protocol: Option<NetworkProtocol>,
        /// The direction LSTN named; it only guides the choice of the port (spec A-3).
        direction: Option<Direction>,
    },
    /// Admit a target and hold a local port to call it from: SOCK.
    Hold {
        /// Whom to call.
        target: HostSocket,
    },
    /// Admit a target, without a port of our own: PORT, EPRT.
    Target {
        /// Whom to call.
        target: HostSocket,
    },
    /// Admit a peer that will call us: SOCK after LSTN, PASV or EPSV.
    Pin {
        /// Who may call.
        filter: AcceptFilter,
    },
}

/// A question to the store, answered by [`Event::Answered`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Question {
    /// Is there a directory that the user may enter? CWD, CDUP. Answer: `Done`.
    Enter(VirtualPath),
    /// MKD. Answer: `Done`.
    MakeDirectory(VirtualPath),
    /// RMD. Answer: `Done`.
    RemoveDirectory(VirtualPath),
    /// DELE. Answer: `Done`.
    Delete(VirtualPath),
    /// RNFR: is there something to rename? Answer: `Done`.
    Exists(VirtualPath),
    /// RNTO. Answer: `Done`.
    Rename {
        /// The name RNFR gave, resolved again now (spec S-48).
        from: VirtualPath,
        /// The new name.
        to: VirtualPath,
    },
    /// SIZE: the octets a transfer would move. Answer: `Size`.
    Size {
        /// The file.
        path: VirtualPath,
        /// The representation to count in; line ends take two octets in ASCII.
        representation: RepresentationType,
    },
    /// MDTM. Answer: `Text`, the time in RFC 3659's form.
    Modified(VirtualPath),
    /// MLST. Answer: `Text`, one line of facts and name.
    Facts {
        /// The file or directory.
        path: VirtualPath,
        /// Which facts to tell.
        facts: FactSet,
    },
    /// STAT with a pathname. Answer: `Lines`.
    Status(VirtualPath),
}

/// The store's answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// It is done, or it is so.
    Done,
    /// A size in octets.
    Size(u64),
    /// One line.
    Text(String),
    /// Lines of a listing; `directory` tells which reply they go into.
    Lines {
        /// Whether a directory was listed, or one file.
        directory: bool,
        /// The lines.
        lines: Vec<String>,
    },
}

/// Why the store did not do it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Refusal {
    /// Nothing is there.
    NotFound,
    /// The system does not permit it.
    NotPermitted,
    /// Something is there already.
    Exists,
    /// A directory was wanted.
    NotDirectory,
    /// A regular file was wanted.
    NotFile,
    /// The directory is not empty.
    NotEmpty,
    /// The name is reserved or impossible.
    NameNotAllowed,
    /// Another transfer holds the file.
    Busy,
    /// The restart point lies beyond the end.
    BadOffset,
    /// No room, or a quota is used up.
    NoSpace,
    /// The file is too large to count its line ends for SIZE in TYPE A.
    TooLargeToCount,
    /// This store cannot do that.
    NotSupported,
    /// Reading or writing failed.
    Failed,
}

/// One transfer, complete: nothing else needs to be known to perform it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Transfer {
    /// What to move.
    pub operation: Operation,
    /// How the data connection comes about.
    pub route: Route,
    /// TYPE, STRU and MODE.
    pub parameters: TransferParameters,
}

/// TYPE, STRU and MODE together. The defaults are RFC 959's: ASCII, file, stream.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct TransferParameters {
    /// TYPE.
    pub representation: RepresentationType,
    /// STRU.
    pub structure: Structure,
    /// MODE.
    pub mode: TransmissionMode,
}

/// What a transfer command moves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Operation {
    /// RETR, from byte `offset` on.
    Retrieve {
        /// The file.
        path: VirtualPath,
        /// Where to begin.
        offset: u64,
    },
    /// STOR; with an offset it goes on where an earlier one stopped.
    Store {
        /// The file.
        path: VirtualPath,
        /// REST's argument.
        offset: Option<u64>,
    },
    /// STOU: the store chooses a free name near `hint`.
    StoreUnique {
        /// The wanted name.
        hint: VirtualPath,
    },
    /// APPE.
    Append {
        /// The file.
        path: VirtualPath,
    },
    /// LIST, NLST, MLSD.
    List {
        /// What to list.
        target: ListTarget,
        /// What to list when nothing has the name in `target`, because the name looks like
        /// options of `ls` (spec Q-18).
        without_options: Option<ListTarget>,
        /// The form of the lines.
        form: ListForm,
    },
}

impl Operation {
    /// Which way the data goes, seen from us (spec A-16).
    #[must_use]
    pub fn direction(&self) -> Direction {
        match self {
            Self::Retrieve { .. } | Self::List { .. } => Direction::Send,
            Self::Store { .. } | Self::StoreUnique { .. } | Self::Append { .. } => {
                Direction::Receive
            }
        }
    }

    /// The path it is about.
    #[must_use]
    pub fn path(&self) -> &VirtualPath {
        match self {
            Self::Retrieve { path, .. }
            | Self::Store { path, .. }
            | Self::Append { path }
            | Self::List { target: ListTarget { path, .. }, .. } => path,
            Self::StoreUnique { hint } => hint,
        }
    }
}

/// A directory or file to list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListTarget {
    /// The directory or file.
    pub path: VirtualPath,
    /// The pathname as the user gave it, which NLST puts before each name.
    pub given: Option<String>,
}

/// The three forms of a listing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ListForm {
    /// LIST: as `ls -l` would (spec Q-17).
    Long,
    /// NLST: names alone.
    Names,
    /// MLSD: facts and names (RFC 3659 section 7).
    Facts(FactSet),
}

/// How the data connection of a transfer comes about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Route {
    /// The connection of the last transfer is still open (MODE B).
    Open,
    /// Call the target, from the held port if one is held.
    Call {
        /// Whom to call.
        target: HostSocket,
    },
    /// Accept a caller that passes the filter; others are reset and waiting goes on.
    Accept {
        /// Who passes.
        filter: AcceptFilter,
    },
}

/// A thing that has happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// The answer to [`Effect::Authenticate`]: who the user is, or none.
    Authenticated(Option<Identity>),
    /// The answer to [`Effect::Arrange`].
    Arranged(Result<Arranged, ArrangeRefusal>),
    /// The answer to [`Effect::Ask`].
    Answered(Result<Answer, Refusal>),
    /// The file of the transfer is open; data connection and data follow.
    Opened(Opened),
    /// The transfer is over.
    Finished(Outcome),
    /// The answer to [`Effect::AskProgress`].
    Progress {
        /// Bytes moved so far.
        moved: u64,
        /// Bytes in all, where known.
        total: Option<u64>,
    },
}

/// Who has logged in, as far as the protocol needs to know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// The user's name.
    pub name: String,
    /// What the user may do.
    pub permissions: Permissions,
}

/// What came of [`Effect::Arrange`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arranged {
    /// A socket listens.
    Listening {
        /// Its port: what 229 and 255 tell.
        port: u16,
        /// The address that 227 tells beside the port: ours, or the configured public one.
        host: IpAddr,
    },
    /// The target is admitted and a local port is held.
    Held {
        /// The port the call will leave from: what 255 tells.
        port: u16,
        /// Which ways data may go.
        may: Directions,
    },
    /// The peer is admitted.
    Admitted {
        /// Which ways data may go.
        may: Directions,
    },
}

/// Why no data connection was arranged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ArrangeRefusal {
    /// Policy says no (504, spec S-12).
    NotPermitted,
    /// The port is below 1024 (504, spec S-1).
    PrivilegedPort,
    /// No port or socket is to be had (425).
    NoSocket,
    /// Too many different targets in a short time (425, spec S-6).
    TooManyTargets,
    /// The network protocol is not available here; these are (522).
    Protocol(Vec<NetworkProtocol>),
}

/// Which ways data may go between us and an admitted peer.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Directions {
    /// We may send.
    pub send: bool,
    /// We may receive.
    pub receive: bool,
}

impl Directions {
    /// Both ways.
    pub const BOTH: Self = Self { send: true, receive: true };

    /// Whether `direction` is among them.
    #[must_use]
    pub fn allow(self, direction: Direction) -> bool {
        match direction {
            Direction::Send => self.send,
            Direction::Receive => self.receive,
        }
    }
}

/// A file that has been opened for a transfer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Opened {
    /// How many octets will be sent, where known beforehand.
    pub octets: Option<u64>,
    /// The name the store chose for STOU.
    pub name: Option<String>,
}

/// How a transfer ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// All bytes are in place.
    Completed {
        /// Bytes moved over the data connection.
        bytes: u64,
        /// Whether the data connection stays open for the next file (MODE B).
        kept: bool,
    },
    /// The store refused, before or during the transfer.
    Refused(Refusal),
    /// No data connection came about: nobody called, or the call failed (425).
    NotConnected,
    /// The peer is not admitted (any more); nothing was sent to it (425).
    NotAdmitted,
    /// The data connection broke, or was silent for too long (426).
    ConnectionLost,
    /// What arrived is not what MODE and STRU promise (451).
    Malformed,
    /// [`Effect::StopTransfer`] took effect.
    Stopped,
}

/// Host addresses that an arrangement concerns; used by policy and log.
#[must_use]
pub fn pinned_host(filter: AcceptFilter) -> Option<IpAddr> {
    match filter {
        AcceptFilter::Any => None,
        AcceptFilter::Host(host) => Some(host),
        AcceptFilter::HostPort(peer) => Some(peer.host()),
    }
}
