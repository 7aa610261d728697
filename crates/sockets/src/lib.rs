//! Data sockets for FTP: the allocator of ports, its pins and its policy.
#![doc = include_str!("../README.md")]

mod allocator;
mod call;
mod error;
mod file;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod lent;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "lent_never.rs"]
mod lent;
mod listening;
mod memory;
mod policy;
mod pool;
mod real;
mod reserved;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod sendfile;
mod silence;
mod tcp;
mod world;

#[cfg(test)]
mod fake;

pub use allocator::Allocator;
pub use error::{AllocateError, Fault, OpenError};
pub use file::copy_file;
pub use lent::Lent;
pub use listening::{Listening, REJECTED_MAX, Rejection, examine};
pub use policy::{Denied, Initiative, PeerQuestion, Policy};
pub use pool::{Parity, PortLease, PortPool};
pub use reserved::Reserved;
pub use silence::SILENCE_MAX;
pub use tcp::adopt_listener;
pub use world::{Clock, Connection, Held, Listener, Network, Random, Threads, World};
