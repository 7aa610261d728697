//! Our own data connections: files and listings that do pass through this host.

mod open;
mod transfer;
