//! The temporary of an upload, under a name that the next one to the same file finds. Design D10.

use std::fs::File;
use std::io;

use cap_std::fs::Metadata;

use super::super::StoreError;
use super::errors::store_error;
use super::place::{self, OPEN_TRIES_MAX, Place};
use super::system;

/// The temporary of an upload, locked.
pub(super) struct Temporary {
    pub(super) file: File,
    pub(super) name: String,
    /// How long it is since it was locked.
    pub(super) length: u64,
}

/// What becomes of what a temporary holds that more people may read than the file whose place it
/// takes: somebody may have it open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wider {
    /// It was to be overwritten.
    Removed,
    /// The upload goes on with a copy.
    Copied,
}

/// The temporary of this name, to take the place of `target`; `None` when another upload has it.
pub(super) fn temporary(
    place: &Place,
    name: String,
    target: Option<&Metadata>,
    wider: Wider,
) -> Result<Option<Temporary>, StoreError> {
    let mut options = system::writing_as_private_as(target);
    options.create(true);
    for _ in 0..OPEN_TRIES_MAX {
        let (file, opened) = place::open_found(&place.dir, &name, &options)?;
        if !place::lock(&file)? {
            return Ok(None);
        }
        let identity = system::identity(&opened);
        let found = place::entry(&place.dir, &name)?;
        // An upload that was committed meanwhile has renamed it: then it is the target.
        let Some(found) = found.filter(|found| system::identity(found) == identity) else {
            continue;
        };
        if system::has_other_names(&found) {
            // A crash came between the two steps of renaming by a link: the file is whole, and a
            // user's.
            place.dir.remove_file(&name).map_err(store_error)?;
        } else if system::is_wider(&found, target) {
            replace(place, &name, (&file, target), wider)?;
        } else {
            let length = found.len();
            return Ok(Some(Temporary { file, name, length }));
        }
    }
    Err(StoreError::Busy)
}

/// Leaves nothing at `name`, or as private a copy of `file` as `target` is.
fn replace(
    place: &Place,
    name: &str,
    (mut file, target): (&File, Option<&Metadata>),
    wider: Wider,
) -> Result<(), StoreError> {
    let Place { dir, .. } = place;
    if wider == Wider::Removed {
        return dir.remove_file(name).map_err(store_error);
    }
    let (mut copy, draft) = place::unnamed(dir, target)?;
    let replaced = io::copy(&mut file, &mut copy)
        // When its octets came is told to who goes on with them.
        .and_then(|_| copy.set_modified(file.metadata()?.modified()?))
        .and_then(|()| dir.rename(&draft, dir, name));
    if replaced.is_err() {
        // What cannot be removed now is removed by the sweep.
        let _ = dir.remove_file(&draft);
    }
    replaced.map_err(store_error)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;

    use cap_std::ambient_authority;
    use cap_std::fs::Dir;

    use super::super::super::names;
    use super::*;

    /// Whoever opened it in that moment would read all that comes.
    #[test]
    fn a_temporary_is_at_no_moment_less_private_than_the_file_it_replaces() {
        let root = tempfile::tempdir().unwrap();
        let private = File::create(root.path().join("f")).unwrap();
        private
            .set_permissions(Permissions::from_mode(0o400))
            .unwrap();
        let dir = Dir::open_ambient_dir(root.path(), ambient_authority()).unwrap();
        let place = Place {
            dir: Arc::new(dir),
            name: "f".to_owned(),
        };
        let target = place.file_entry().unwrap();
        let (unnamed, _) = place::unnamed(&place.dir, target.as_ref()).unwrap();
        let mut made = vec![unnamed];
        // None is there; then one that others could read, and may have open, with four octets.
        for wider in [Wider::Removed, Wider::Copied] {
            for is_there in [false, true] {
                let partial = root.path().join(names::partial("f"));
                std::fs::remove_file(&partial).ok();
                let mut others = None;
                if is_there {
                    std::fs::write(&partial, "kept").unwrap();
                    std::fs::set_permissions(&partial, Permissions::from_mode(0o644)).unwrap();
                    let early = std::time::SystemTime::UNIX_EPOCH;
                    File::options()
                        .write(true)
                        .open(&partial)
                        .unwrap()
                        .set_modified(early)
                        .unwrap();
                    others = Some(File::open(&partial).unwrap());
                }
                let named = temporary(&place, names::partial("f"), target.as_ref(), wider);
                let named = named.unwrap().unwrap();
                let is_kept = is_there && wider == Wider::Copied;
                assert_eq!(named.length, if is_kept { 4 } else { 0 }, "{wider:?}");
                if let Some(others) = others {
                    let identity = |file| system::identity_of(file).unwrap();
                    assert_ne!(identity(&named.file), identity(&others), "{wider:?}");
                    let modified = |file: &File| file.metadata().unwrap().modified().unwrap();
                    assert_eq!(modified(&named.file) == modified(&others), is_kept);
                }
                made.push(named.file);
            }
        }
        for made in made {
            let mode = made.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
