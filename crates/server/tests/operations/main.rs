//! How thirdhostd behaves as a program to run: the real binary, with real files and sockets.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::panic, reason = "a test that cannot go on has failed")]

mod daemon;
mod descriptors;
mod explain;
mod logs;
mod metrics;
mod reload;
mod sandbox;
mod service;
mod wrong_use;
