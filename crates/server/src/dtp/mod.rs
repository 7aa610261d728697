//! The server-DTP's data path: octets between one open data connection and a store.
//!
//! ```text
//! store -- Source --> Encoder --> DataConnection --> the other side     send_file
//! store <- Upload --- Decoder <-- DataConnection <-- the other side     receive_file
//! ```
//!
//! Who opened the connection, who commits the upload and which reply is due is none of this
//! room's business. After any [`TransferError`] the connection is to be dropped: a connection
//! dropped within a file is reset, so that a broken file never looks like a whole one
//! (spec M-14).

mod close;
mod connection;
mod convert;
mod digits;
mod error;
mod listing;
mod pace;
mod patience;
mod pipeline;
mod receive;
mod send;
#[cfg(test)]
pub(crate) mod testing;

pub use close::{FIN_WAIT, close_received, close_sent};
pub use connection::DataConnection;
pub use error::{Malformed, TransferError};
pub use listing::{Entries, Lines, ListingStyle, list_line, mlsx_line, time_val};
pub use pace::{BURST, Bucket, Pace};
pub use patience::{Mark, Progress, Watch};
pub use pipeline::{discard_file, receive_number, send_failure};
pub use receive::{Received, receive_file, receive_or_discard};
pub use send::{send_file, send_listing};
