//! Transfers as values: what to move, over which connection, and how it ended.

use thirdhost_wire::{
    AcceptFilter, Direction, FactSet, HostSocket, PartsKey, RepresentationType, Structure,
    TransmissionMode,
};

use super::VirtualPath;
use super::effect::Refusal;
use super::protection::Protection;

/// One transfer, complete: nothing else needs to be known to perform it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Transfer {
    /// What to move.
    pub operation: Operation,
    /// How the data connection comes about.
    pub route: Route,
    /// TYPE, STRU and MODE.
    pub parameters: TransferParameters,
    /// How the data connection is protected. One that is open already is protected so.
    pub protection: Protection,
    /// Its number in a pipeline: the file has to begin with it, in MODE B.
    pub number: Option<u64>,
}

/// The place of a refused transfer command in a pipeline, to be filled. In MODE B.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Skip {
    /// The number of the command.
    pub number: u64,
    /// Which way the file would have gone, seen from us.
    pub direction: Direction,
    /// How the data connection comes about.
    pub route: Route,
    /// STRU, which tells how to read past what comes.
    pub structure: Structure,
    /// How the data connection is protected. One that is open already is protected so.
    pub protection: Protection,
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
        /// The octet to stop before; the end of the file without.
        end: Option<u64>,
    },
    /// STOR; with an offset it goes on where an earlier one stopped.
    Store {
        /// The file.
        path: VirtualPath,
        /// REST's argument, or where RANG begins.
        offset: Option<u64>,
        /// The octet at and behind which nothing may be written, and nothing may be now.
        end: Option<u64>,
        /// The file that these octets are a part of (SITE PARTS); a file of its own without.
        part_of: Option<PartsKey>,
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

    /// Every path it may turn out to be about: a listing has two readings (spec Q-18).
    pub fn paths(&self) -> impl Iterator<Item = &VirtualPath> {
        let other = match self {
            Self::List {
                without_options, ..
            } => without_options.as_ref(),
            _ => None,
        };
        std::iter::once(self.path()).chain(other.map(|target| &target.path))
    }

    /// The path it is about.
    #[must_use]
    pub fn path(&self) -> &VirtualPath {
        match self {
            Self::Retrieve { path, .. }
            | Self::Store { path, .. }
            | Self::Append { path }
            | Self::List {
                target: ListTarget { path, .. },
                ..
            } => path,
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
    /// TLS on the data connection did not come about; nothing of the file was sent (522).
    TlsFailed(TlsFailure),
    /// What arrived is not what MODE and STRU promise (451).
    Malformed,
    /// The store refused during a transfer of a pipeline; the file failed, and the data
    /// connection stands behind it and stays open.
    Isolated(Refusal),
    /// The source of a pipeline said that it could not send this file; nothing is stored, and
    /// the data connection stays open (451).
    SourceFailed,
    /// Another number than ours stood before the file, or none: nothing is stored (426).
    OutOfStep,
    /// [`super::Effect::StopTransfer`] took effect.
    Stopped,
}

/// Why TLS on a data connection did not come about. RFC 4217 section 10.2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TlsFailure {
    /// The handshake failed, or took too long (spec S-39a).
    Handshake,
    /// The peer's certificate is not the one of SITE PEERCERT, or nobody vouches for it.
    Peer,
    /// The session of the control connection was not resumed (spec D-24).
    NotResumed,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who is asked about files that third hosts may have must be told each of them.
    #[test]
    fn every_path_that_an_operation_may_be_about_is_told() {
        let path = |name: &str| VirtualPath::root().join(&name.try_into().unwrap()).unwrap();
        let target = |name| ListTarget {
            path: path(name),
            given: None,
        };
        let list = |without_options| Operation::List {
            target: target("-la d"),
            without_options,
            form: ListForm::Names,
        };
        for (operation, expected) in [
            (Operation::Append { path: path("f") }, vec![path("f")]),
            (Operation::StoreUnique { hint: path("f") }, vec![path("f")]),
            (list(None), vec![path("-la d")]),
            (list(Some(target("d"))), vec![path("-la d"), path("d")]),
        ] {
            let paths: Vec<_> = operation.paths().cloned().collect();
            assert_eq!(paths, expected, "{operation:?}");
            assert_eq!(Some(operation.path()), expected.first());
        }
    }
}
