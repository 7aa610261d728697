//! The FTP protocol machines as pure values.
pub mod server;
pub mod third_party;
pub mod user;
