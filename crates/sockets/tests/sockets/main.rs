//! Data sockets on the real kernel, over loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod arrangement;
mod backlog;
mod file;
mod filter;
mod given_up;
#[cfg(target_os = "linux")]
mod lent;
mod policy;
mod world;
