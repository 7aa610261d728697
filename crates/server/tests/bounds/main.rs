//! What bounds users, in whole sessions over real TCP and files in memory.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod client;
mod clock;
mod crash;
mod dying;
mod foreign;
mod guessing;
mod late;
mod logins;
mod permissions;
mod quota;
mod rates;
mod refusals;
mod sessions;
mod targets;
mod times;
