//! Why a transfer failed, and on whose side.

use std::io;
use std::time::Duration;

use thirdhost_wire::BlockError;

use crate::store::StoreError;

/// A transfer that did not succeed. The file is incomplete at the receiving end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The far side: the data connection broke or was reset.
    #[error("the data connection failed")]
    Connection(#[source] io::Error),
    /// The far side: no octet moved for the stall limit (spec S-53).
    #[error("no octet moved on the data connection for {after:?}")]
    Stalled {
        /// The limit that ran out.
        after: Duration,
    },
    /// The far side: the connection ended before the file did (spec M-22, S-33).
    #[error("the data connection ended before the file did")]
    Truncated,
    /// The far side: its octets break the rules of the STRU or MODE in force.
    #[error("malformed transfer")]
    Malformed(#[from] Malformed),
    /// Our side: the store could not read or take the file.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// Our side: the file became shorter while it was being sent.
    #[error("the file changed while it was being sent")]
    SourceChanged,
}

/// How octets break the rules of the STRU or MODE in force.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// MODE B: no blocks.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// STRU R in MODE S: the escape octet stands before this one (spec M-13).
    #[error("unknown code {0} behind the escape octet")]
    Escape(u8),
    /// A pipeline: no number stands in front of the file.
    #[error("no number in front of the file")]
    Number,
}
