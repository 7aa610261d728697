//! What differs between operating systems, and nothing else.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(unix))]
mod plain;
#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(target_os = "linux")]
pub(super) use linux::*;
#[cfg(not(unix))]
pub(super) use plain::*;
#[cfg(not(target_os = "linux"))]
pub(super) use portable::*;
#[cfg(unix)]
pub(super) use unix::*;
