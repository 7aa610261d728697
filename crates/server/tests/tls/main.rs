//! The server under TLS: real clients, two servers of ours, and those who mean no good.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::panic, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod binary;
mod clients;
mod hostile;
mod reload;
mod reuse;
mod servers;
mod site;
mod user;
