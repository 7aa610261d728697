//! What is half done of a file of this host: held by one of all who copy, until it has its name.

use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};

use cap_std::fs::{Dir, Metadata, OpenOptions};
use thirdhost_wire::TimeVal;

use super::Beneath;
use crate::copy::{names, walk};

/// What this run has of a file that is to come.
#[derive(Debug, Default)]
pub(super) enum Begun {
    /// What is there half done was left by an earlier run.
    #[default]
    Not,
    /// What the last attempt has left, if it came so far. It is held between attempts too: nobody
    /// else puts other octets there.
    Left(Option<std::fs::File>),
}

impl Beneath {
    /// How much of the file an interrupted fetch left, and when it wrote that. Once this run has
    /// begun it, only what this run left counts.
    pub(in crate::copy) fn kept(&self) -> Option<(u64, Option<TimeVal>)> {
        let found = self
            .open()
            .and_then(|dir| dir.symlink_metadata(self.partial()));
        let found = found.ok().filter(|found| found.is_file())?;
        let is_own = match &*self.begun() {
            Begun::Not => true,
            Begun::Left(left) => left.as_ref().is_some_and(|file| is_one(file, &found)),
        };
        let modified = found.modified().ok();
        let modified = modified.and_then(|time| walk::time_val(time.into_std()));
        is_own.then_some((found.len(), modified))
    }

    /// Removes what this run has left.
    pub(in crate::copy) fn remove_partial(&self) {
        let left = self.take_left();
        let removed = left.map(|file| self.open().and_then(|dir| self.remove_held(&dir, &file)));
        let _may_be_missing = removed;
    }

    /// A new file, so that what somebody put there is not written through, or the one kept, of
    /// `offset` octets. Nobody else begins it until it is closed.
    pub(super) fn begin(&self, dir: &Dir, offset: u64) -> io::Result<std::fs::File> {
        if let Some(left) = self.take_left() {
            match offset {
                0 => self.remove_held(dir, &left)?,
                _ => return self.check(dir, left, offset)?.ok_or_else(gone),
            }
        }
        for _ in 0..TRIES_MAX {
            let file = match offset {
                0 => self.make(dir)?,
                _ => Some(self.open_partial(dir)?.ok_or_else(gone)?),
            };
            let Some(file) = file else { continue };
            match self.take(dir, file, offset)? {
                Some(file) => return Ok(file),
                None if offset > 0 => return Err(gone()),
                None => {}
            }
        }
        Err(busy())
    }

    /// An opened file, held; `None` if it is not what is half done any more: who held it before
    /// may have given it its name, or removed it.
    fn take(
        &self,
        dir: &Dir,
        file: std::fs::File,
        length: u64,
    ) -> io::Result<Option<std::fs::File>> {
        hold(&file)?;
        self.check(dir, file, length)
    }

    /// A file that is held, if it still is what is half done and has `length` octets.
    fn check(
        &self,
        dir: &Dir,
        file: std::fs::File,
        length: u64,
    ) -> io::Result<Option<std::fs::File>> {
        let is_it = self.is_partial(dir, &file)? && file.metadata()?.len() == length;
        Ok(is_it.then_some(file))
    }

    /// A new file; `None` if somebody else made one meanwhile.
    fn make(&self, dir: &Dir) -> io::Result<Option<std::fs::File>> {
        self.remove_idle(dir)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        match dir.open_with(self.partial(), &options) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            made => made.map(|file| Some(file.into_std())),
        }
    }

    /// Removes what an earlier run left half done, unless another copy is writing it.
    fn remove_idle(&self, dir: &Dir) -> io::Result<()> {
        let partial = self.partial();
        match dir.symlink_metadata(&partial) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Ok(found) if !found.is_file() => return dir.remove_file(&partial),
            found => found?,
        };
        let opened = match self.open_partial(dir) {
            // Somebody else's, who is gone perhaps: what lets us remove it decides.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let opened = dir.open(&partial).map_err(|_| somebody_elses(&partial))?;
                Some(opened.into_std())
            }
            opened => opened?,
        };
        match opened {
            Some(file) => self.remove_opened(dir, &file),
            None => Ok(()),
        }
    }

    fn remove_opened(&self, dir: &Dir, file: &std::fs::File) -> io::Result<()> {
        // Until it is removed, nobody else begins with it.
        hold(file)?;
        self.remove_held(dir, file)
    }

    /// Removes what is half done, if that is `held`.
    fn remove_held(&self, dir: &Dir, held: &std::fs::File) -> io::Result<()> {
        match self.is_partial(dir, held)? {
            true => dir.remove_file(self.partial()),
            false => Ok(()),
        }
    }

    /// What is half done, if anything is; for writing, as some file systems lock nothing else.
    fn open_partial(&self, dir: &Dir) -> io::Result<Option<std::fs::File>> {
        let partial = self.partial();
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let opened = match dir.symlink_metadata(&partial) {
            Ok(found) if !found.is_file() => {
                return Err(io::Error::other("what was interrupted is no file any more"));
            }
            Ok(_) => dir.open_with(&partial, &options),
            Err(error) => Err(error),
        };
        match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(|file| Some(file.into_std())),
        }
    }

    /// Whether a file is what is half done now: a lock outlives the name that it was taken by.
    fn is_partial(&self, dir: &Dir, file: &std::fs::File) -> io::Result<bool> {
        match dir.symlink_metadata(self.partial()) {
            Ok(found) => Ok(is_one(file, &found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives a whole file its name. It is held until it has that: it would be anybody's to begin
    /// anew.
    pub(super) fn settle(&self, dir: &Dir, file: &std::fs::File) -> io::Result<()> {
        match self.is_partial(dir, file)? {
            true => dir.rename(self.partial(), dir, &self.name),
            false => Err(gone()),
        }
    }

    /// Keeps what an attempt left for the next one.
    pub(super) fn leave(&self, file: std::fs::File) {
        *self.begun() = Begun::Left(Some(file));
    }

    /// What the last attempt left, for one that begins.
    fn take_left(&self) -> Option<std::fs::File> {
        match std::mem::replace(&mut *self.begun(), Begun::Left(None)) {
            Begun::Left(left) => left,
            Begun::Not => None,
        }
    }

    fn begun(&self) -> MutexGuard<'_, Begun> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name of the file until it is whole.
    fn partial(&self) -> PathBuf {
        let name = self.name.file_name().unwrap_or_default().to_string_lossy();
        self.name.with_file_name(names::partial(&name))
    }
}

/// Takes a file for oneself, of all who copy with this.
fn hold(file: &std::fs::File) -> io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(busy()),
        // A file system that knows no locks is no reason to fail.
        Err(TryLockError::Error(error)) if knows_no_locks(&error) => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
        Ok(()) => Ok(()),
    }
}

fn knows_no_locks(error: &io::Error) -> bool {
    #[cfg(unix)]
    let is_out_of_locks = rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::NOLCK);
    #[cfg(not(unix))]
    let is_out_of_locks = false;
    is_out_of_locks || error.kind() == io::ErrorKind::Unsupported
}

fn busy() -> io::Error {
    io::Error::new(
        io::ErrorKind::ResourceBusy,
        "another copy of it is under way; wait for that",
    )
}

fn somebody_elses(partial: &Path) -> io::Error {
    let partial = partial.display();
    let problem = format!("{partial} is somebody else's half of it; remove that first");
    io::Error::new(io::ErrorKind::PermissionDenied, problem)
}

/// A later attempt begins anew.
fn gone() -> io::Error {
    io::Error::new(
        io::ErrorKind::ResourceBusy,
        "another copy has finished, removed or replaced what was half done; try again",
    )
}

fn is_one(file: &std::fs::File, found: &Metadata) -> bool {
    Metadata::from_file(file).is_ok_and(|file| identity(&file) == identity(found))
}

#[cfg(unix)]
fn identity(found: &Metadata) -> impl PartialEq + use<> {
    use cap_std::fs::MetadataExt as _;
    (found.dev(), found.ino())
}

/// The nearest that is told here.
#[cfg(not(unix))]
fn identity(found: &Metadata) -> impl PartialEq + use<> {
    found.created().ok()
}

/// How often others may make or remove what is half done while one begins; more is no accident.
const TRIES_MAX: usize = 8;

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    /// A place for `f`, its directory, and `f` as two processes see it.
    fn two_copies() -> (tempfile::TempDir, Dir, [Beneath; 2]) {
        let place = tempfile::tempdir().unwrap();
        let file = || Beneath::new(place.path(), &place.path().join("f"));
        let copies = [file(), file()];
        let dir = copies[0].open().unwrap();
        (place, dir, copies)
    }

    /// Begins it, with some octets.
    fn begun(copy: &Beneath, dir: &Dir, octets: &[u8]) -> std::fs::File {
        let mut file = copy.begin(dir, 0).unwrap();
        io::Write::write_all(&mut file, octets).unwrap();
        file
    }

    fn is_busy<T: std::fmt::Debug>(result: io::Result<T>) -> bool {
        let error = result.unwrap_err();
        assert!(error.to_string().contains("another copy"), "{error}");
        error.kind() == io::ErrorKind::ResourceBusy
    }

    /// One would give its name to what the other is still writing.
    #[test]
    fn two_fetches_of_one_file_at_once_do_not_share_what_is_half_done() {
        let (_place, dir, [one, other]) = two_copies();
        let file = begun(&one, &dir, b"12345");
        for offset in [0, 5] {
            assert!(is_busy(other.begin(&dir, offset)));
            other.remove_partial();
            assert_eq!(one.kept(), None);
            assert!(one.is_partial(&dir, &file).unwrap());
        }
        one.settle(&dir, &file).unwrap();
        assert_eq!(dir.read("f").unwrap(), b"12345");
    }

    #[test]
    fn what_another_copy_finished_while_it_was_opened_is_not_cut_or_gone_on_with() {
        let (_place, dir, [one, other]) = two_copies();
        let file = begun(&one, &dir, b"12345");
        let opened = other.open_partial(&dir).unwrap().unwrap();
        one.settle(&dir, &file).unwrap();
        drop(file);
        assert!(other.take(&dir, opened, 5).unwrap().is_none());
        assert!(is_busy(other.begin(&dir, 5)));
        assert_eq!(dir.read("f").unwrap(), b"12345");
    }

    #[test]
    fn what_another_copy_made_longer_or_shorter_meanwhile_is_not_gone_on_with() {
        let (_place, dir, [one, other]) = two_copies();
        drop(begun(&one, &dir, b"12345"));
        for seen in [4, 6] {
            assert!(is_busy(other.begin(&dir, seen)));
            assert_eq!(dir.read(other.partial()).unwrap(), b"12345");
        }
        assert_eq!(other.begin(&dir, 5).unwrap().metadata().unwrap().len(), 5);
    }

    /// It has been made and is not held yet.
    #[test]
    fn who_holds_a_file_that_another_copy_has_removed_begins_again() {
        let (_place, dir, [one, other]) = two_copies();
        let made = one.make(&dir).unwrap().unwrap();
        let file = begun(&other, &dir, b"half");
        assert!(one.take(&dir, made, 0).unwrap().is_none());
        assert!(is_busy(one.begin(&dir, 0)));
        assert!(other.is_partial(&dir, &file).unwrap());
    }

    #[test]
    fn who_holds_a_file_that_got_its_name_does_not_remove_what_a_third_copy_writes() {
        let (_place, dir, [one, other]) = two_copies();
        let file = begun(&one, &dir, b"whole");
        let opened = other.open_partial(&dir).unwrap().unwrap();
        one.settle(&dir, &file).unwrap();
        drop(file);
        let third = begun(&one, &dir, b"half");
        other.remove_opened(&dir, &opened).unwrap();
        assert!(one.is_partial(&dir, &third).unwrap());
        one.settle(&dir, &third).unwrap();
    }

    #[test]
    fn only_what_was_written_gets_the_name() {
        let (_place, dir, [one, _]) = two_copies();
        dir.write("f", "old").unwrap();
        let file = begun(&one, &dir, b"new");
        dir.remove_file(one.partial()).unwrap();
        assert!(is_busy(one.settle(&dir, &file)));
        dir.write(one.partial(), "half").unwrap();
        assert!(is_busy(one.settle(&dir, &file)));
        assert_eq!(dir.read("f").unwrap(), b"old");
    }

    /// A minute may lie between two attempts.
    #[test]
    fn what_an_attempt_left_is_held_until_the_run_gives_the_file_up() {
        let (_place, dir, [one, other]) = two_copies();
        one.leave(begun(&one, &dir, b"123"));
        assert!(is_busy(other.begin(&dir, 0)) && is_busy(other.begin(&dir, 3)));
        assert_eq!(one.kept().map(|(bytes, _)| bytes), Some(3));
        one.leave(one.begin(&dir, 3).unwrap());
        // What the other has found when it was refused is not its own.
        assert_eq!(other.kept(), None);
        drop(one);
        assert_eq!(other.kept(), None);
        other.leave(begun(&other, &dir, b"4"));
        other.remove_partial();
        assert!(!dir.exists(other.partial()));
    }

    #[test]
    fn a_retry_goes_on_with_nothing_that_another_copy_put_there() {
        let (_place, dir, [one, _]) = two_copies();
        one.leave(begun(&one, &dir, b"123"));
        dir.remove_file(one.partial()).unwrap();
        dir.write(one.partial(), "abc").unwrap();
        assert_eq!(one.kept(), None);
        one.remove_partial();
        assert_eq!(dir.read(one.partial()).unwrap(), b"abc");
        one.leave(begun(&one, &dir, b"123"));
        dir.remove_file(one.partial()).unwrap();
        dir.write(one.partial(), "abc").unwrap();
        assert!(is_busy(one.begin(&dir, 3)));
        assert_eq!(dir.read(one.partial()).unwrap(), b"abc");
    }

    #[test]
    fn what_cannot_be_opened_or_held_is_not_taken_for_idle() {
        use std::os::unix::fs::OpenOptionsExt as _;
        let (place, dir, [one, _]) = two_copies();
        let partial = place.path().join(one.partial());
        // A program that runs cannot be opened for writing, not even by root.
        std::fs::copy("/bin/sleep", &partial).unwrap();
        let mut runs = std::process::Command::new(&partial)
            .arg("60")
            .spawn()
            .unwrap();
        let begun = one.begin(&dir, 0);
        runs.kill().unwrap();
        runs.wait().unwrap();
        assert_eq!(begun.unwrap_err().kind(), io::ErrorKind::ExecutableFileBusy);
        // Some file systems lock only what may be written.
        let mut opened = one.open_partial(&dir).unwrap().unwrap();
        io::Write::write_all(&mut opened, b"x").unwrap();
        // What cannot be locked, as EBADF says, may be somebody's.
        #[cfg(target_os = "linux")]
        {
            let path_alone = rustix::fs::OFlags::PATH.bits().cast_signed();
            let file = std::fs::OpenOptions::new()
                .read(true)
                .custom_flags(path_alone)
                .open(&partial)
                .unwrap();
            hold(&file).unwrap_err();
        }
        for (number, is_fine) in [
            (rustix::io::Errno::NOLCK, true),
            (rustix::io::Errno::NOTSUP, true),
            (rustix::io::Errno::BADF, false),
        ] {
            assert_eq!(knows_no_locks(&number.into()), is_fine, "{number}");
        }
    }
}
