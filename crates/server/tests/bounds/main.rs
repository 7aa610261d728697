//! What bounds users, in whole sessions over real TCP and files in memory.

mod client;
mod permissions;
mod quota;
mod rates;
mod sessions;
