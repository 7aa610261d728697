//! Unix: positional reads and writes, inodes, modes.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};

use std::time::{SystemTime, UNIX_EPOCH};

use cap_std::fs::{Dir, Metadata, MetadataExt as _, OpenOptions, OpenOptionsExt as _};
use rustix::buffer::spare_capacity;
use rustix::fs::{
    AtFlags, OFlags, RenameFlags, Timespec, Timestamps, UTIME_OMIT, fstatvfs, renameat_with,
    utimensat,
};
use rustix::io::{Errno, pread, retry_on_intr};

use super::super::super::Entry;

/// Opening to read in a directory the store holds: no link is followed, a pipe does not wait.
pub(in super::super) fn reading_no_link() -> OpenOptions {
    options(OFlags::NONBLOCK | OFlags::NOFOLLOW)
}

/// The same to read and write.
pub(in super::super) fn writing_no_link() -> OpenOptions {
    let mut options = options(OFlags::NONBLOCK | OFlags::NOFOLLOW);
    options.write(true);
    options
}

/// The same for what will take the place of `target`: who opened it before it has the permission
/// bits of that would read it ever after.
pub(in super::super) fn writing_as_private_as(target: Option<&Metadata>) -> OpenOptions {
    let mut options = writing_no_link();
    if let Some(target) = target {
        options.mode((target.mode() & PERMISSION_BITS) | OWNER_READS_AND_WRITES);
    }
    options
}

/// Whether somebody may read or write it, the owner aside, who may not `target`.
pub(in super::super) fn is_wider(found: &Metadata, target: Option<&Metadata>) -> bool {
    target.is_some_and(|target| {
        let allowed = target.mode() | OWNER_READS_AND_WRITES;
        found.mode() & PERMISSION_BITS & !allowed != 0
    })
}

/// Which object it is: device and inode.
pub(in super::super) fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Which object an open file is: device and inode.
pub(in super::super) fn identity_of(file: &File) -> io::Result<(u64, u64)> {
    file.metadata()
        .map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Whether it has more than one name.
pub(in super::super) fn has_other_names(metadata: &Metadata) -> bool {
    metadata.nlink() > 1
}

/// How many octets it takes on the disk, where that is told: fewer than its length if it has holes.
pub(in super::super) fn allocated(metadata: &Metadata) -> Option<u64> {
    Some(metadata.blocks().saturating_mul(512))
}

/// Adds the facts that only Unix has.
pub(in super::super) fn add_facts(entry: &mut Entry, metadata: &Metadata) {
    entry.unique = identity(metadata);
    entry.mode = metadata.mode();
    entry.links = metadata.nlink();
    entry.owner = (metadata.uid(), metadata.gid());
}

/// Gives `file` the permission bits of the file it takes the place of, and `also` more.
/// Set-id bits are not among them (spec S-49).
pub(in super::super) fn keep_mode(file: &File, old: &Metadata, also: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(
        (old.mode() & PERMISSION_BITS) | also,
    ))
}

/// Sets the permission bits of `name`. Set-id bits are not among them (spec S-49).
pub(in super::super) fn set_mode(dir: &Dir, name: &str, mode: u32) -> io::Result<()> {
    // SECURITY: should a link have been put there meanwhile, cap-std follows it, and never out
    // of the directory.
    let mode = Permissions::from_mode(mode & PERMISSION_BITS);
    dir.set_permissions(name, cap_std::fs::Permissions::from_std(mode))
}

/// Sets when `name` was last modified; a link that has been put there meanwhile is not followed.
pub(in super::super) fn set_modified(
    dir: &Dir,
    name: &str,
    modified: SystemTime,
) -> io::Result<()> {
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: timespec(modified).ok_or(io::ErrorKind::Unsupported)?,
    };
    utimensat(dir, name, &times, AtFlags::SYMLINK_NOFOLLOW).map_err(io::Error::from)
}

/// Appends at most `most` bytes from `offset` on to `buffer`.
pub(in super::super) fn read_at(
    file: &File,
    buffer: &mut Vec<u8>,
    most: usize,
    offset: u64,
) -> io::Result<usize> {
    let start = buffer.len();
    if most == 0 {
        return Ok(0);
    }
    if buffer.capacity() - start < most {
        buffer.reserve_exact(most);
    }
    if buffer.capacity() - start == most {
        let read = retry_on_intr(|| pread(file, spare_capacity(buffer), offset));
        return read.map_err(io::Error::from);
    }
    // The room in the buffer is larger than what may be read: the slow way, which clears it.
    buffer.resize(start + most, 0);
    let read = match buffer.get_mut(start..) {
        Some(room) => file.read_at(room, offset),
        None => Ok(0),
    };
    buffer.truncate(start + read.as_ref().copied().unwrap_or(0));
    read
}

/// How many bytes an unprivileged process may still write there.
pub(in super::super) fn free(dir: &Dir) -> io::Result<u64> {
    let told = fstatvfs(dir)?;
    Ok(told.f_bavail.saturating_mul(told.f_frsize))
}

/// Writes all of `bytes` at `offset`.
pub(in super::super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// Renames unless something is at `to`.
pub(in super::super) fn rename_new(
    from_dir: &Dir,
    from: &str,
    to_dir: &Dir,
    to: &str,
) -> io::Result<()> {
    match renameat_with(from_dir, from, to_dir, to, RenameFlags::NOREPLACE) {
        // Not every file system knows the flag; a link refuses what is there just as well.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            from_dir.hard_link(from, to_dir, to)?;
            from_dir.remove_file(from)
        }
        done => done.map_err(io::Error::from),
    }
}

/// Makes the names in a directory outlive a power failure.
pub(in super::super) fn sync_directory(dir: &Dir) -> io::Result<()> {
    dir.open(".")?.sync_all()
}

/// Whether opening failed because a pipe, a socket or a device without a driver is there.
pub(in super::super) fn is_special_file(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::NXIO | Errno::NODEV)
    )
}

/// Whether following links came to no end.
pub(in super::super) fn is_link_loop(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::LOOP)
}

/// Before 1970 the seconds are negative and the nanoseconds still count forward.
fn timespec(time: SystemTime) -> Option<Timespec> {
    let (seconds, nanoseconds) = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (i64::try_from(after.as_secs()).ok()?, after.subsec_nanos()),
        Err(error) => {
            let before = error.duration();
            let seconds = i64::try_from(before.as_secs()).ok()?.checked_neg()?;
            match before.subsec_nanos() {
                0 => (seconds, 0),
                nanoseconds => (seconds.checked_sub(1)?, 1_000_000_000 - nanoseconds),
            }
        }
    };
    Some(Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds.into(),
    })
}

fn options(flags: OFlags) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    options
}

/// Read, write and search for owner, group and others.
const PERMISSION_BITS: u32 = 0o777;

/// Without these the next upload cannot go on with a temporary.
pub(in super::super) const OWNER_READS_AND_WRITES: u32 = 0o600;
