//! The server-FTP process.
pub mod store;
