//! The server-PI.
mod permission;
mod virtual_path;

pub use permission::{Permission, Permissions, UnknownPermission};
pub use virtual_path::{PathError, VirtualPath};
