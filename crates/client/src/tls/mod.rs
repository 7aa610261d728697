//! TLS on control and data connections, always as TLS client. RFC 4217; spec S-30 to S-39a.
//!
//! ```text
//! Trust (of the environment) ─┐
//! Certified (of the server) ──┴─> TlsSession ── on_control() ──> TlsConnection
//!                                      └─────── on_data() ────> TlsConnection
//! ```
//!
//! A `TlsSession` belongs to one control connection. Its `Judge` decides about the certificate
//! once, on the control connection; data connections then have to show the same one, and resume
//! the TLS session of the control connection, which many servers demand (spec 5.7).

mod authorities;
mod connection;
mod distrust;
mod fingerprint;
mod judge;
mod known_servers;
mod session;
mod trust;

pub use authorities::{Authorities, AuthoritiesError};
pub use distrust::Distrust;
pub use fingerprint::{Fingerprint, NotAFingerprint};
pub use trust::{Certified, Security, Trust};

pub(crate) use session::TlsSession;
