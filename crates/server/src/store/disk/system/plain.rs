//! Systems without Unix' inodes and modes.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use cap_std::fs::{Dir, Metadata, OpenOptions};

use super::super::super::Entry;

/// Opening to read in a directory the store holds.
pub(in super::super) fn reading_no_link() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

/// The same to read and write.
pub(in super::super) fn writing_no_link() -> OpenOptions {
    let mut options = reading_no_link();
    options.write(true);
    options
}

/// There is no mode to begin with.
pub(in super::super) fn writing_as_private_as(_target: Option<&Metadata>) -> OpenOptions {
    writing_no_link()
}

/// Nobody tells.
pub(in super::super) fn is_wider(_found: &Metadata, _target: Option<&Metadata>) -> bool {
    false
}

/// Which object it is: all are taken for the same, so that the name decides.
pub(in super::super) fn identity(_metadata: &Metadata) -> (u64, u64) {
    (0, 0)
}

/// Which object an open file is.
pub(in super::super) fn identity_of(_file: &File) -> io::Result<(u64, u64)> {
    Ok((0, 0))
}

/// Nobody tells.
pub(in super::super) fn has_other_names(_metadata: &Metadata) -> bool {
    false
}

/// Nobody tells.
pub(in super::super) fn allocated(_metadata: &Metadata) -> Option<u64> {
    None
}

/// Adds nothing.
pub(in super::super) fn add_facts(_entry: &mut Entry, _metadata: &Metadata) {}

/// There is no mode to keep.
pub(in super::super) fn keep_mode(_file: &File, _old: &Metadata, _also: u32) -> io::Result<()> {
    Ok(())
}

/// There is no mode to set.
pub(in super::super) fn set_mode(_dir: &Dir, _name: &str, _mode: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Sets when the file `name` was last modified.
pub(in super::super) fn set_modified(
    dir: &Dir,
    name: &str,
    modified: std::time::SystemTime,
) -> io::Result<()> {
    let file = dir.open_with(name, &writing_no_link())?;
    file.into_std().set_modified(modified)
}

/// Appends at most `most` bytes from `offset` on to `buffer`.
pub(in super::super) fn read_at(
    file: &File,
    buffer: &mut Vec<u8>,
    most: usize,
    offset: u64,
) -> io::Result<usize> {
    let mut file = file;
    file.seek(SeekFrom::Start(offset))?;
    file.take(u64::try_from(most).unwrap_or(u64::MAX))
        .read_to_end(buffer)
}

/// Not told.
pub(in super::super) fn free(_: &Dir) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Writes all of `bytes` at `offset`.
pub(in super::super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut file = file;
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

/// Renames unless something is at `to`. Directories cannot be linked, and are refused.
pub(in super::super) fn rename_new(
    from_dir: &Dir,
    from: &str,
    to_dir: &Dir,
    to: &str,
) -> io::Result<()> {
    from_dir.hard_link(from, to_dir, to)?;
    from_dir.remove_file(from)
}

/// Directories cannot be synced.
pub(in super::super) fn sync_directory(_dir: &Dir) -> io::Result<()> {
    Ok(())
}

/// Opening never fails for that reason.
pub(in super::super) fn is_special_file(_error: &io::Error) -> bool {
    false
}

/// Nor for that one.
pub(in super::super) fn is_link_loop(_error: &io::Error) -> bool {
    false
}

/// There are no modes: it is passed on, and means nothing.
pub(in super::super) const OWNER_READS_AND_WRITES: u32 = 0;
