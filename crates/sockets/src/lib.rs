//! The socket allocator for FTP data connections.
mod world;

pub use world::{Clock, Connection, Held, Listener, Network, Random, World};
