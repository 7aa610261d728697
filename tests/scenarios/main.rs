//! One binary for all scenarios that cross crates; a module per behaviour.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::panic, reason = "a test that cannot go on has failed")]

mod ahead;
mod arrangement;
mod attacks;
mod bad_input;
mod bounce;
mod busy;
mod confined;
mod control_lost;
mod crowd;
mod daemon;
mod events;
mod exit_codes;
mod filter;
mod lasting;
mod moving;
mod peers;
mod readme;
mod reserve;
mod storing;
mod streams;
mod support;
mod tls_between;
#[cfg(target_os = "linux")]
mod trees;
mod trouble;
mod under_tls;
mod whole;
