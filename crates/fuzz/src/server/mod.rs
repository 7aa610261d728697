//! What the server reads and writes: its files, paths and listings, and whole sessions.

pub(crate) mod config;
pub(crate) mod listing;
pub(crate) mod path;
pub(crate) mod session;
pub(crate) mod users;
