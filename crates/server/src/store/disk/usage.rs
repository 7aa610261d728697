//! How many bytes there are beneath a directory.

use std::sync::Arc;

use cap_std::fs::{Dir, DirEntry, Metadata, ReadDir};

use super::super::{StoreError, names};
use super::errors::store_error;
use super::jobs::blocking;
use super::system;

/// Counts the bytes of all regular files, the store's own among them. Links are not followed.
/// Memory and open files stay bounded, whatever users have made.
///
/// What cannot be read is passed over: nothing can be stored there by this process either.
///
/// # Errors
/// When the root cannot be read, or more directories than [`DEEP_MAX`] lie very deep.
pub(super) async fn count(root: Arc<Dir>) -> Result<u64, StoreError> {
    let mut walk = blocking(move || Walk::new(root)).await?;
    loop {
        let (back, done) = blocking(move || {
            let done = walk.step()?;
            Ok((walk, done))
        })
        .await?;
        if let Some(bytes) = done {
            return Ok(bytes);
        }
        walk = back;
    }
}

/// A walk that goes on where it stopped.
struct Walk {
    root: Arc<Dir>,
    levels: Vec<Level>,
    /// Directories too deep to be gone into from where they were found.
    deep: Vec<String>,
    bytes: u64,
}

/// A directory that is being read.
struct Level {
    path: String,
    dir: Dir,
    entries: ReadDir,
}

impl Walk {
    fn new(root: Arc<Dir>) -> Result<Self, StoreError> {
        let levels = vec![level(&root, ".", ".".to_owned()).map_err(store_error)?];
        Ok(Self {
            root,
            levels,
            deep: Vec::new(),
            bytes: 0,
        })
    }

    /// Goes on for a bounded number of entries; the count when the tree is done.
    fn step(&mut self) -> Result<Option<u64>, StoreError> {
        for _ in 0..STEP_ENTRIES {
            let Some(last) = self.levels.last_mut() else {
                let Some(path) = self.deep.pop() else {
                    return Ok(Some(self.bytes));
                };
                self.levels
                    .extend(level(&self.root, &path, path.clone()).ok());
                continue;
            };
            let Some(found) = last.entries.next() else {
                self.levels.pop();
                continue;
            };
            // The metadata of a link is the link's own.
            let Some(metadata) = found.as_ref().ok().and_then(|found| found.metadata().ok()) else {
                continue;
            };
            if metadata.is_file() {
                self.bytes = self
                    .bytes
                    .saturating_add(octets(found.as_ref().ok(), &metadata));
            }
            if let (true, Ok(found)) = (metadata.is_dir(), found) {
                self.go_into(&found.file_name())?;
            }
        }
        Ok(None)
    }

    fn go_into(&mut self, name: &std::ffi::OsStr) -> Result<(), StoreError> {
        let Some(last) = self.levels.last() else {
            return Ok(());
        };
        // A name that is not UTF-8 is none that a user could have stored under.
        let Some(name) = name.to_str() else {
            return Ok(());
        };
        let path = format!("{}/{name}", last.path);
        if self.levels.len() < DEPTH_MAX {
            self.levels.extend(level(&last.dir, name, path).ok());
        } else if self.deep.len() < DEEP_MAX {
            self.deep.push(path);
        } else {
            return Err(StoreError::NotSupported);
        }
        Ok(())
    }
}

/// How much a file counts. What comes in parts may have holes where others will come, which are
/// counted when they come. Nothing else has any, though a file system that compresses keeps it in
/// less room.
fn octets(found: Option<&DirEntry>, metadata: &Metadata) -> u64 {
    let name = found.map(DirEntry::file_name);
    let is_of_parts = |name: &str| name.starts_with(names::PARTS);
    let may_have_holes = name.is_some_and(|name| name.to_str().is_some_and(is_of_parts));
    match system::allocated(metadata) {
        Some(allocated) if may_have_holes => {
            metadata.len().min(allocated.saturating_add(INLINE_MAX))
        }
        _ => metadata.len(),
    }
}

fn level(dir: &Dir, name: &str, path: String) -> std::io::Result<Level> {
    let dir = dir.open_dir(name)?;
    let entries = dir.entries()?;
    Ok(Level { path, dir, entries })
}

/// What a file system may keep beside a file's blocks, in its inode.
const INLINE_MAX: u64 = 4_096;

/// How many entries one job looks at: some milliseconds, so that a shutdown does not wait.
const STEP_ENTRIES: usize = 1_024;

/// How many directories are held open, two files each. What lies deeper is gone into later.
const DEPTH_MAX: usize = 32;

/// How many directories may wait to be gone into: some megabytes of names. A tree that has more
/// cannot be counted, and then nothing more is stored in it.
const DEEP_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::super::{Store, UploadKind};
    use super::super::{DiskStore, Durability, UploadPolicy};
    use crate::store::names;

    #[tokio::test]
    async fn every_file_counts_and_no_link_is_followed() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = DiskStore::open(root.path(), UploadPolicy::Whole, Durability::Process).unwrap();
        assert_eq!(store.usage().await.unwrap(), 0);

        fs::write(outside.path().join("f"), [0; 1000]).unwrap();
        fs::write(root.path().join("f"), [0; 1]).unwrap();
        fs::write(root.path().join(names::partial("g")), [0; 20]).unwrap();
        let mut deep = root.path().to_owned();
        for depth in 0..100 {
            deep.push("d");
            fs::create_dir(&deep).unwrap();
            fs::write(deep.join("f"), vec![0; 300 + depth]).unwrap();
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::symlink;
            symlink(outside.path(), root.path().join("out")).unwrap();
            symlink("f", root.path().join("link")).unwrap();
            symlink("..", deep.join("up")).unwrap();
        }
        let in_the_deep: u64 = (300..400).sum();
        assert_eq!(store.usage().await.unwrap(), 21 + in_the_deep);

        let path = crate::store::quota::tests::path("/arriving");
        let mut upload = store.begin(&path, UploadKind::Replace).await.unwrap();
        upload.write(vec![0; 5000]).await.unwrap();
        assert_eq!(store.usage().await.unwrap(), 5021 + in_the_deep);
        upload.discard().await;
        assert_eq!(store.usage().await.unwrap(), 21 + in_the_deep);
    }

    /// What goes on with it later brings no more than the rest: it counts as long as it is, also
    /// where the system keeps it in less room.
    #[tokio::test]
    async fn only_what_comes_in_parts_may_have_holes_that_do_not_count() {
        let root = tempfile::tempdir().unwrap();
        let store = DiskStore::open(root.path(), UploadPolicy::Whole, Durability::Process).unwrap();
        for (name, counted) in [
            ("f".to_owned(), 1_000_000),
            (names::partial("f"), 1_000_000),
            (names::created("f"), 1_000_000),
            (format!("{}1", names::UNNAMED), 1_000_000),
            (format!("{}1", names::PARTS), super::INLINE_MAX),
        ] {
            let file = fs::File::create(root.path().join(&name)).unwrap();
            file.set_len(1_000_000).unwrap();
            assert_eq!(store.usage().await.unwrap(), counted, "{name}");
            fs::remove_file(root.path().join(&name)).unwrap();
        }
    }
}
