//! Files of this host: received whole or not at all, and stored.

use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};

use thirdhost_wire::{Pathname, TimeVal};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};

use super::{Copy, Moved, Way, names};
use crate::{ControlConn, Error, Verify};

/// Fetches a file; it appears under its name only when all of it has arrived.
pub(super) async fn fetch(
    copy: &Copy,
    conn: &mut ControlConn,
    (from, to): (&Pathname, &Path),
    offset: u64,
    modified: Option<TimeVal>,
) -> Result<Moved, Error> {
    let began = copy.environment.world.clock.now();
    let partial = partial_name(to);
    let mut file = begin(&partial, offset)
        .await
        .map_err(at("write", &partial))?;
    let bytes = conn.get_from(from, offset, &mut file).await?;
    file.flush().await.map_err(at("write", &partial))?;
    let verified = verify(copy, conn, from, offset.saturating_add(bytes)).await?;
    let file = file.into_std().await;
    if let Some(time) = modified.and_then(system_time) {
        // A file system that keeps no times is no reason to fail.
        let _kept = file.set_modified(time);
    }
    drop(file);
    std::fs::rename(&partial, to).map_err(at("write", to))?;
    Ok(Moved {
        bytes: Some(bytes),
        offset,
        elapsed: copy.environment.world.clock.now().saturating_sub(began),
        way: Way::Local,
        verified,
    })
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
    Ok(Moved {
        bytes: Some(bytes),
        offset,
        elapsed: copy.environment.world.clock.now().saturating_sub(began),
        way: Way::Local,
        verified: verify(copy, conn, to, offset.saturating_add(bytes)).await?,
    })
}

/// How much of a file an interrupted fetch left.
pub(super) fn kept(to: &Path) -> u64 {
    std::fs::symlink_metadata(partial_name(to))
        .ok()
        .filter(|metadata| metadata.is_file())
        .map_or(0, |metadata| metadata.len())
}

/// The name a file has until it is whole, beside its own.
pub(super) fn partial_name(to: &Path) -> PathBuf {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    to.with_file_name(names::partial(&name))
}

/// SECURITY: a new file is made anew, so that a link somebody put there is not followed.
async fn begin(partial: &Path, offset: u64) -> io::Result<File> {
    if offset > 0 {
        let mut file = OpenOptions::new().write(true).open(partial).await?;
        file.set_len(offset).await?;
        file.seek(SeekFrom::Start(offset)).await?;
        return Ok(file);
    }
    match std::fs::remove_file(partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(partial)
        .await
}

/// The size of the file on the server is that of the one here.
async fn verify(
    copy: &Copy,
    conn: &mut ControlConn,
    path: &Pathname,
    expected: u64,
) -> Result<Option<&'static str>, Error> {
    let verify = copy.options.policy.verify;
    if verify == Verify::None {
        return Ok(None);
    }
    match conn.size(path).await? {
        Some(found) if found == expected => Ok(Some("size")),
        Some(found) => Err(Error::Verification {
            server: conn.name().to_owned(),
            expected,
            found,
        }),
        None if verify == Verify::Auto => Ok(None),
        None => Err(Error::Unverifiable {
            server: conn.name().to_owned(),
            reason: "SIZE fails",
        }),
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
