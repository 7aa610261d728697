//! What a confined process must not get: files outside its reach, a socket of another kind.

use std::env;
use std::fs::{self, File};
use std::io;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::sandbox::files::Reach;

/// Laid before the process is confined, once for each time it is tried.
#[derive(Debug)]
pub(super) struct Bait {
    directory: TempDir,
    _listener: UnixListener,
    /// This program.
    pub(super) program: PathBuf,
    /// The name space this process is in.
    pub(super) name_space: File,
}

impl Bait {
    /// Lays it where nothing is within `reach`.
    ///
    /// # Errors
    /// When there is no such place in which this process may write.
    pub(super) fn lay(reach: &Reach) -> io::Result<Self> {
        let directory = outside(reach)?;
        let path = |name| directory.path().join(name);
        fs::write(path("file"), "bait")?;
        fs::write(path("gone"), "bait")?;
        fs::create_dir(path("dir"))?;
        Ok(Self {
            _listener: UnixListener::bind(path("socket"))?,
            program: env::current_exe()?,
            name_space: File::open("/proc/self/ns/uts")?,
            directory,
        })
    }

    /// A name in its directory: `file`, `gone`, `dir` and `socket` are there.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

fn outside(reach: &Reach) -> io::Result<TempDir> {
    let home = env::var_os("HOME").map(PathBuf::from);
    let usual = ["/var/tmp", "/dev/shm", "/run", "/"].map(PathBuf::from);
    let places = [env::temp_dir()].into_iter().chain(usual).chain(home);
    let mut outside = places.filter(|place| !reach.holds(place));
    let laid = outside.find_map(|place| tempfile::tempdir_in(place).ok());
    laid.ok_or_else(|| {
        io::Error::other("there is no place outside the root in which a file could be tried")
    })
}
