//! Our own data connections: files and listings that do pass through this host.

mod open;
mod pace;
mod protect;
mod transfer;

pub(crate) use pace::Pace;
pub(crate) use transfer::{BUFFER_BYTES, Half, Link};
