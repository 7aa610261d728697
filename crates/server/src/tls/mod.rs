//! TLS on control and data connections. RFC 4217; spec S-30 to S-39a, D-20 to D-25.
//!
//! ```text
//! Site ── session() ──> TlsSession ── accept_control() ──> TlsConnection    on control
//!                            └─────── DataHandshake::run ─> TlsConnection    on data
//! ```
//!
//! A `Site` is what all sessions share: certificate, tickets, rules. A `TlsSession` keeps the
//! certificate its control connection was opened with, whatever a reload brings: both data and
//! control connection show the same one (RFC 4217 section 15.1.1).

mod ahead;
mod certificate;
mod connection;
mod error;
mod self_signed;
mod session;
mod site;
mod strict;
mod tickets;
mod verify;

pub use certificate::{Certificate, CertificateError, fingerprint};
pub use self_signed::{SelfSigned, self_signed};

pub(crate) use connection::TlsConnection;
pub(crate) use error::TlsError;
pub(crate) use session::{DataHandshake, TlsSession};
pub(crate) use site::Site;
