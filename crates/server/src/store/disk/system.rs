//! What differs between operating systems, and nothing else.

#[cfg(not(unix))]
mod plain;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(super) use plain::*;
#[cfg(unix)]
pub(super) use unix::*;
