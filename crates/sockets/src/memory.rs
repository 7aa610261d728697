//! What of a file can be read without waiting for a disk (design D9).

use std::fs::File;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::io::IoSliceMut;

#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::io::{Errno, ReadWriteFlags};

/// Whether a file system tells what it has in memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Memory {
    /// It tells with every read.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Told,
    /// It has nothing else.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    All,
    /// It does not tell.
    Unknown,
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Memory {
    pub(crate) fn of(_: &File) -> Self {
        Self::Unknown
    }

    pub(crate) fn read_at(self, _: &File, _: &mut [u8], _: u64) -> Option<usize> {
        None
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Memory {
    /// What the file system of `file` tells.
    pub(crate) fn of(file: &File) -> Self {
        match read_now(file, &mut [0], 0) {
            Err(Errno::OPNOTSUPP) => match rustix::fs::fstatfs(file) {
                Ok(system) if system.f_type == TMPFS => Self::All,
                _ => Self::Unknown,
            },
            _ => Self::Told,
        }
    }

    /// Reads what is in memory at `offset`; `None` when there is nothing, or when that is
    /// unknown, and when reading fails: reading in the ordinary way tells why.
    pub(crate) fn read_at(self, file: &File, into: &mut [u8], offset: u64) -> Option<usize> {
        match self {
            Self::Told => read_now(file, into, offset).ok(),
            Self::All => rustix::io::pread(file, into, offset).ok(),
            Self::Unknown => None,
        }
    }

    /// Whether the octet at `offset` can be read without waiting. Behind the end of the file there
    /// is nothing to wait for.
    pub(crate) fn holds(self, file: &File, offset: u64) -> bool {
        self == Self::All || self.read_at(file, &mut [0], offset).is_some()
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn read_now(file: &File, into: &mut [u8], offset: u64) -> rustix::io::Result<usize> {
    let mut slices = [IoSliceMut::new(into)];
    rustix::io::preadv2(file, &mut slices, offset, ReadWriteFlags::NOWAIT)
}

/// As statfs(2) has it.
#[cfg(any(target_os = "linux", target_os = "android"))]
const TMPFS: rustix::fs::FsWord = 0x0102_1994;

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_was_just_written_is_in_memory_and_what_a_file_does_not_have_is_not_waited_for() {
        let in_memory = tempfile::tempfile_in("/dev/shm");
        let mut files = vec![tempfile::tempfile().unwrap()];
        files.extend(in_memory);
        for mut file in files {
            file.write_all(b"octets").unwrap();
            let memory = Memory::of(&file);
            if rustix::fs::fstatfs(&file).unwrap().f_type == TMPFS {
                assert_ne!(memory, Memory::Unknown);
            }
            let mut into = [0; 9];
            if memory != Memory::Unknown {
                assert_eq!(memory.read_at(&file, &mut into, 2), Some(4), "{memory:?}");
                assert_eq!(into, *b"tets\0\0\0\0\0");
                assert_eq!(memory.read_at(&file, &mut into, 6), Some(0));
            }
            assert_eq!(memory.holds(&file, 0), memory != Memory::Unknown);
            assert_eq!(Memory::Unknown.read_at(&file, &mut into, 0), None);
        }
        let devices = File::open("/proc/devices").unwrap();
        assert_eq!(Memory::of(&devices), Memory::Unknown);
        assert!(!Memory::Unknown.holds(&devices, 0));
    }

    #[test]
    fn what_was_dropped_from_memory_has_to_come_from_the_disk() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[7; 1 << 20]).unwrap();
        file.sync_all().unwrap();
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        let memory = Memory::of(&file);
        // A system may keep what it was told to drop: then there is nothing to see here.
        if memory != Memory::All && !memory.holds(&file, 500_000) {
            assert_eq!(memory.read_at(&file, &mut [0; 9], 500_000), None);
        }
    }
}
