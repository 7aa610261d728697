//! `thirdhostd sandbox --check` where nothing confines: it cannot be tried.

use std::io;
use std::path::Path;

use thirdhost_server::config::Config;

/// Nothing is tried.
///
/// # Errors
/// Always.
pub(crate) fn check(_: &Config, _: Option<&Path>) -> io::Result<bool> {
    Err(io::Error::other(
        "this system has neither Landlock nor seccomp",
    ))
}
