//! The FTP protocol machines as pure values.
pub mod server;
