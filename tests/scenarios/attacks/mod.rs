//! What an attacker does, a room for each kind of attack: `cargo xtask attacks`.
//!
//! SECURITY.md says which promise each test shows. More of the kind stands where its room is: in
//! `bounce.rs`, `bad_input.rs` and `filter.rs` beside this, in the server's `tests/bounds` and
//! `tests/tls`, and in the client's `tests/hostile.rs`.
#![cfg(target_os = "linux")]

mod bombs;
mod bounce;
mod canary;
mod cross_protocol;
mod exhaustion;
mod guessing;
mod links;
mod packets;
mod ports;
mod slow;
mod spellings;
mod starttls;
mod terminal;
mod theft;
mod traversal;

/// How often, or how many: little in every run of the tests, much where it was asked for.
fn rounds(short: usize, long: usize) -> usize {
    if is_long() { long } else { short }
}

/// Whether `cargo xtask attacks --long` runs this: only then is anything measured by the clock.
fn is_long() -> bool {
    std::env::var_os("THIRDHOST_ATTACKS_LONG").is_some()
}
