//! Linux: reading a directory by large `getdents64`, each entry's facts by one `fstatat`.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use rustix::fs::{AtFlags, FileType, OFlags, RawDir, Stat, statat};

use super::super::super::{Entry, EntryKind};

/// A directory that is read a piece at a time, by several threads at once if need be.
#[derive(Debug)]
pub(in super::super) struct DirectoryReader {
    directory: File,
}

/// A name that was found, whose facts are not known yet.
#[derive(Debug)]
pub(in super::super) struct Found<'a> {
    directory: &'a File,
    name: &'a CStr,
    text: &'a str,
}

impl DirectoryReader {
    /// Opens the directory `path` beneath `root`.
    pub(in super::super) fn open(root: &Dir, path: &str) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let flags = OFlags::DIRECTORY | OFlags::NONBLOCK;
        options.read(true).custom_flags(flags.bits().cast_signed());
        // SECURITY: the kernel resolves, and refuses what leads out of the root (spec S-44).
        let directory = root.open_with(path, &options)?.into_std();
        Ok(Self { directory })
    }

    /// Gives `each` the next names, at most one and a half times as many as `room` has room for;
    /// false at the end. Names that are not UTF-8 are left out: no command could name them.
    pub(in super::super) fn read(
        &self,
        room: &mut Vec<u8>,
        mut each: impl FnMut(&Found<'_>),
    ) -> io::Result<bool> {
        room.clear();
        let enough = room.capacity() / 2;
        let mut given = 0;
        let mut names = RawDir::new(&self.directory, room.spare_capacity_mut());
        while let Some(name) = names.next() {
            let name = name?;
            let name = name.file_name();
            let text_bytes = name.count_bytes();
            match name.to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(text) => each(&Found {
                    directory: &self.directory,
                    name,
                    text,
                }),
            }
            given += HEAD_BYTES + text_bytes;
            // What is far from full was the last, or so it seems: the kernel is asked at once.
            if names.is_buffer_empty() && given >= enough {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Found<'_> {
    /// The name.
    pub(in super::super) fn name(&self) -> &str {
        self.text
    }

    /// Puts the facts into `entry`, those of a link where it is one; tells whether it is. `None`
    /// for what is gone by now.
    pub(in super::super) fn look(&self, entry: &mut Entry) -> Option<bool> {
        let stat = statat(self.directory, self.name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        put_facts(&stat, entry);
        entry.name.clear();
        entry.name.push_str(self.text);
        Some(FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
    }
}

#[expect(
    clippy::useless_conversion,
    reason = "the fields are of other types on other processors"
)]
fn put_facts(stat: &Stat, entry: &mut Entry) {
    entry.kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        _ => EntryKind::Other,
    };
    entry.size = match entry.kind {
        EntryKind::File => u64::try_from(stat.st_size).unwrap_or(0),
        EntryKind::Directory | EntryKind::Other => 0,
    };
    let (seconds, nanoseconds) = (i64::from(stat.st_mtime), u64::from(stat.st_mtime_nsec));
    entry.modified = time(seconds, nanoseconds).unwrap_or(UNIX_EPOCH);
    entry.unique = (u64::from(stat.st_dev), u64::from(stat.st_ino));
    entry.mode = u32::from(stat.st_mode);
    entry.links = u64::from(stat.st_nlink);
    entry.owner = (stat.st_uid, stat.st_gid);
    entry.partial = None;
}

/// Before 1970 the seconds are negative and the nanoseconds still count forward.
fn time(seconds: i64, nanoseconds: u64) -> Option<SystemTime> {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let second = if seconds < 0 {
        UNIX_EPOCH.checked_sub(whole)
    } else {
        UNIX_EPOCH.checked_add(whole)
    };
    second?.checked_add(Duration::from_nanos(nanoseconds))
}

/// What stands before a name in a `linux_dirent64`.
const HEAD_BYTES: usize = 19;
