#![doc = include_str!("../README.md")]

pub mod server;
pub mod third_party;
pub mod user;
