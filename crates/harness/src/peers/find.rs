//! Where programs are.

use std::env;
use std::path::PathBuf;

/// A program of that name, among the peers' own or where programs and daemons usually are.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let usual = env::split_paths(&path).chain(DAEMONS.map(PathBuf::from));
    let own = ["usr/sbin", "usr/bin"].map(|place| directory().join(place));
    own.into_iter()
        .chain(usual)
        .map(|place| place.join(name))
        .find(|file| file.is_file())
}

/// The directory with the peers that cannot be installed beside each other.
#[must_use]
pub fn directory() -> PathBuf {
    env::var_os("THIRDHOST_PEERS").map_or_else(|| DIRECTORY.into(), PathBuf::from)
}

/// Whether a missing peer is a failure.
pub(super) fn is_required() -> bool {
    env::var_os("THIRDHOST_REQUIRE_PEERS").is_some()
}

const DAEMONS: [&str; 2] = ["/usr/local/sbin", "/usr/sbin"];

const DIRECTORY: &str = "/opt/thirdhost-peers";
