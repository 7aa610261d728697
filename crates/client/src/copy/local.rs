//! Files of this host: received whole or not at all, never outside their directory, and stored.

mod partial;

use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use thirdhost_wire::{Pathname, TimeVal};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};

use self::partial::Begun;
use super::{Copy, Moved, Way, digest};
use crate::control::hash;
use crate::ending::OPEN_DIRECTORY;
use crate::{ControlConn, Error, Verify};

/// A name in a directory of this host.
///
/// SECURITY: whatever is done to it is done beneath that directory by the kernel's rules, so that
/// a link that points out of the destination is not followed, also if it comes between.
#[derive(Clone, Debug)]
pub(super) struct Beneath {
    directory: PathBuf,
    name: PathBuf,
    /// Clones share it.
    begun: Arc<Mutex<Begun>>,
}

impl Beneath {
    /// `path` below `directory`, which the person named and which may lie anywhere.
    pub(super) fn new(directory: &Path, path: &Path) -> Self {
        match path.strip_prefix(directory) {
            Ok(name) if !name.as_os_str().is_empty() => Self {
                directory: directory.to_owned(),
                name: name.to_owned(),
                begun: Arc::default(),
            },
            _ => Self::alone(path),
        }
    }

    /// A file in the directory that the person named with it.
    fn alone(path: &Path) -> Self {
        let directory = path.parent().filter(|path| !path.as_os_str().is_empty());
        Self {
            directory: directory.unwrap_or(Path::new(".")).to_owned(),
            name: path.file_name().unwrap_or_default().into(),
            begun: Arc::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.join(&self.name)
    }

    fn open(&self) -> io::Result<Dir> {
        Dir::open_ambient_dir(&self.directory, ambient_authority())
    }

    /// Makes a directory of that name, and those above it.
    pub(super) fn make_directory(&self) -> Result<(), Error> {
        let made = self.open().and_then(|dir| dir.create_dir_all(&self.name));
        made.map_err(at("make", &self.path()))
    }

    /// Removes a file, a link or an empty directory.
    pub(super) fn remove(&self, is_directory: bool) -> Result<(), Error> {
        let removed = self.open().and_then(|dir| match is_directory {
            true => dir.remove_dir(&self.name),
            false => dir.remove_file(&self.name),
        });
        removed.map_err(at("remove", &self.path()))
    }
}

/// Fetches a file; it appears under its name only when all of it has arrived.
pub(super) async fn fetch(
    copy: &Copy,
    conn: &mut ControlConn,
    (from, to): (&Pathname, &Beneath),
    offset: u64,
    modified: Option<TimeVal>,
) -> Result<Moved, Error> {
    let began = copy.environment.world.clock.now();
    let path = to.path();
    let dir = to.open().map_err(at(OPEN_DIRECTORY, &to.directory))?;
    let file = to.begin(&dir, offset).map_err(at("write", &path))?;
    let mut file = File::from_std(file);
    let received = receive(copy, conn, (from, &path), offset, &mut file).await;
    // Also after a failure: what is still being written is held until it is.
    let file = file.into_std().await;
    let settled = received.and_then(|received| {
        if let Some(time) = modified.and_then(system_time) {
            // A file system that keeps no times is no reason to fail.
            let _kept = file.set_modified(time);
        }
        to.settle(&dir, &file).map_err(at("write", &path))?;
        Ok(received)
    });
    let (bytes, verified) = match settled {
        Ok(received) => received,
        Err(error) => {
            to.leave(file);
            return Err(error);
        }
    };
    Ok(Moved {
        bytes: Some(bytes),
        offset,
        elapsed: copy.environment.world.clock.now().saturating_sub(began),
        way: Way::Local,
        streams: 1,
        protection: None,
        verified,
    })
}

async fn receive(
    copy: &Copy,
    conn: &mut ControlConn,
    (from, path): (&Pathname, &Path),
    offset: u64,
    file: &mut File,
) -> Result<(u64, Option<&'static str>), Error> {
    file.seek(SeekFrom::Start(offset))
        .await
        .map_err(at("write", path))?;
    let bytes = conn.get_from(from, offset, file).await?;
    file.flush().await.map_err(at("write", path))?;
    let here = file.try_clone().await.map_err(at("read", path))?;
    let here = here.into_std().await;
    let length = offset.saturating_add(bytes);
    let verified = verify(copy, conn, from, (here, length)).await?;
    Ok((bytes, verified))
}

/// Stores a file.
pub(super) async fn store(
    copy: &Copy,
    conn: &mut ControlConn,
    (from, to): (&Path, &Pathname),
    offset: u64,
) -> Result<Moved, Error> {
    let began = copy.environment.world.clock.now();
    let mut file = File::open(from).await.map_err(at("read", from))?;
    file.seek(SeekFrom::Start(offset))
        .await
        .map_err(at("read", from))?;
    let bytes = conn.put_from(to, offset, &mut file).await?;
    let here = file.into_std().await;
    let length = offset.saturating_add(bytes);
    Ok(Moved {
        bytes: Some(bytes),
        offset,
        elapsed: copy.environment.world.clock.now().saturating_sub(began),
        way: Way::Local,
        streams: 1,
        protection: None,
        verified: verify(copy, conn, to, (here, length)).await?,
    })
}

/// Whether a file here and one on the server have the same hash; `None` if the server tells none.
pub(super) async fn is_same(
    copy: &Copy,
    conn: &mut ControlConn,
    path: &Pathname,
    mut here: std::fs::File,
) -> Result<Option<(bool, &'static str)>, Error> {
    let Some(algorithm) = hash::strongest(conn) else {
        return Ok(None);
    };
    let Some(theirs) = hash::of(conn, algorithm, path).await? else {
        return Ok(None);
    };
    let name = Path::new(path.as_str());
    io::Seek::rewind(&mut here).map_err(at("read", name))?;
    let ours = digest::of(here, algorithm, &copy.environment.interrupt).await;
    match ours {
        Err(_) if copy.environment.interrupt.is_tripped() => Err(conn.stop_wanted()),
        Err(error) => Err(at("read", name)(error)),
        Ok(ours) => Ok(Some((ours == theirs, algorithm.name))),
    }
}

/// The size, and the hash if it is told, of the file on the server are those of the one here.
async fn verify(
    copy: &Copy,
    conn: &mut ControlConn,
    path: &Pathname,
    (here, expected): (std::fs::File, u64),
) -> Result<Option<&'static str>, Error> {
    let verify = copy.options.policy.verify;
    if verify == Verify::None {
        return Ok(None);
    }
    let server = conn.name().to_owned();
    let size = match conn.size(path).await? {
        Some(found) if found == expected => Some("size"),
        Some(found) => {
            return Err(Error::Verification {
                server,
                expected,
                found,
            });
        }
        None => None,
    };
    let hash = match verify {
        Verify::Auto | Verify::Hash => is_same(copy, conn, path, here).await?,
        Verify::Size | Verify::None => None,
    };
    match (hash, verify) {
        (Some((false, algorithm)), _) => Err(Error::HashDiffers { server, algorithm }),
        (Some((true, algorithm)), _) => Ok(Some(algorithm)),
        (None, Verify::Hash) => Err(Error::Unverifiable {
            server,
            reason: "it tells no hash that is known here",
        }),
        (None, Verify::Size) if size.is_none() => Err(Error::Unverifiable {
            server,
            reason: "SIZE fails",
        }),
        (None, _) => Ok(size),
    }
}

fn system_time(time: TimeVal) -> Option<std::time::SystemTime> {
    let seconds = u64::try_from(time.unix_seconds()).ok()?;
    let since = std::time::Duration::new(seconds, time.nanoseconds());
    std::time::SystemTime::UNIX_EPOCH.checked_add(since)
}

fn at(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Local { what, path, source }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_made_or_removed_through_a_link_that_leads_out() {
        let place = tempfile::tempdir().unwrap();
        let (inside, outside) = (place.path().join("in"), place.path().join("out"));
        for directory in [&inside, &outside] {
            std::fs::create_dir(directory).unwrap();
        }
        std::fs::write(outside.join("f"), "old").unwrap();
        std::os::unix::fs::symlink("../out", inside.join("link")).unwrap();
        std::os::unix::fs::symlink(&outside, inside.join("absolute")).unwrap();
        for link in ["link", "absolute"] {
            let beneath = |name: &str| Beneath::new(&inside, &inside.join(link).join(name));
            assert!(beneath("d").make_directory().is_err());
            assert!(beneath("f").remove(false).is_err());
            let dir = beneath("f").open().unwrap();
            assert!(beneath("f").begin(&dir, 0).is_err());
            std::fs::write(outside.join(".f.thirdhost-partial"), "half").unwrap();
            assert_eq!(beneath("f").kept(), None);
            beneath("f").remove_partial();
            assert!(outside.join(".f.thirdhost-partial").exists());
        }
        assert_eq!(std::fs::read(outside.join("f")).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 2);
    }

    #[test]
    fn a_single_file_is_beneath_the_directory_named_with_it() {
        for (directory, path, expected) in [
            ("/a", "/a/b/c", ("/a", "b/c")),
            ("/a/f", "/a/f", ("/a", "f")),
            ("f", "f", (".", "f")),
        ] {
            let found = Beneath::new(Path::new(directory), Path::new(path));
            let found = (
                found.directory.to_str().unwrap(),
                found.name.to_str().unwrap(),
            );
            assert_eq!(found, expected);
        }
    }
}
