#![doc = include_str!("../README.md")]
mod accept;
pub mod accounts;
mod busy;
pub mod config;
mod digest;
pub mod dtp;
pub mod limits;
mod parts;
pub mod policy;
mod presence;
mod record;
mod server;
mod session;
mod shares;
mod spare;
pub mod store;
pub mod tls;

pub use server::Server;
