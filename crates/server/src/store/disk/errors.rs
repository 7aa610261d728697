//! What the system's errors mean to a store's user: mapped here and nowhere else.

use std::io::{self, ErrorKind};

use super::super::StoreError;
use super::system;

/// The one mapping of the system's errors.
pub(super) fn store_error(error: io::Error) -> StoreError {
    if system::is_special_file(&error) {
        return StoreError::NotFile;
    }
    if system::is_link_loop(&error) {
        return StoreError::NotFound;
    }
    match error.kind() {
        // SECURITY: cap-std reports a path that leads out of the root as a permission error of
        // its own, without a number. To the user nothing is there (spec S-44, S-50).
        ErrorKind::PermissionDenied if error.raw_os_error().is_none() => StoreError::NotFound,
        ErrorKind::NotFound => StoreError::NotFound,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreError::NotPermitted,
        ErrorKind::AlreadyExists => StoreError::Exists,
        ErrorKind::NotADirectory => StoreError::NotDirectory,
        ErrorKind::IsADirectory => StoreError::NotFile,
        ErrorKind::DirectoryNotEmpty => StoreError::NotEmpty,
        ErrorKind::InvalidFilename | ErrorKind::InvalidInput => StoreError::NameNotAllowed,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            StoreError::NoSpace
        }
        ErrorKind::ResourceBusy | ErrorKind::ExecutableFileBusy => StoreError::Busy,
        // Only a rename between two mounted file systems: a resolution that crosses the root
        // has no number (above).
        ErrorKind::CrossesDevices | ErrorKind::Unsupported => StoreError::NotSupported,
        _ => StoreError::Io(error),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    fn check(errno: Errno, expected: &str) {
        let found = store_error(io::Error::from(errno));
        assert_eq!(found.to_string(), expected, "{errno:?}");
    }

    #[test]
    fn each_error_of_the_system_has_its_meaning() {
        check(Errno::NOENT, "not found");
        check(Errno::LOOP, "not found");
        check(Errno::ACCESS, "not permitted");
        check(Errno::PERM, "not permitted");
        check(Errno::ROFS, "not permitted");
        check(Errno::EXIST, "exists");
        check(Errno::NOTDIR, "not a directory");
        check(Errno::ISDIR, "not a regular file");
        check(Errno::NXIO, "not a regular file");
        check(Errno::NOTEMPTY, "directory not empty");
        check(Errno::NAMETOOLONG, "name not allowed");
        check(Errno::INVAL, "name not allowed");
        check(Errno::NOSPC, "no space");
        check(Errno::DQUOT, "no space");
        check(Errno::FBIG, "no space");
        check(Errno::BUSY, "busy");
        check(Errno::XDEV, "not supported");
        check(Errno::IO, "input or output failed");
    }

    #[test]
    fn a_path_out_of_the_root_is_not_found() {
        let escape = io::Error::new(ErrorKind::PermissionDenied, "led outside");
        assert!(matches!(store_error(escape), StoreError::NotFound));
    }
}
