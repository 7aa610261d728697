//! The record beside a file that is being appended to: how to undo it after a crash. Design D10.

use std::fs::File;
use std::io::{Read as _, Write as _};

use cap_std::fs::Dir;

use super::super::StoreError;
use super::super::names;
use super::errors::store_error;
use super::place::{self, OPEN_TRIES_MAX, Place};
use super::{Durability, system};

/// What a file was before the append.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Record {
    /// How long it was, in bytes.
    pub(super) length: u64,
    /// Which object it was: the record says nothing about another file of that name.
    pub(super) identity: (u64, u64),
    /// Whether the append created it.
    pub(super) is_created: bool,
}

/// What became of the record beside a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Settled {
    /// There is none, or not any more.
    Clean,
    /// An append left behind was undone.
    RolledBack,
    /// An append is under way.
    Live,
}

/// Writes the record; it is there wholly or not at all.
pub(super) fn write(
    place: &Place,
    record: &Record,
    durability: Durability,
) -> Result<(), StoreError> {
    let Place { dir, name } = place;
    let Record {
        length,
        identity: (device, inode),
        is_created,
    } = record;
    let text = format!(
        "{HEADER}\n{length}\n{device}\n{inode}\n{}\n{name}\n",
        u8::from(*is_created)
    );
    let sidecar = names::append_record(name);
    let (mut file, draft) = place::unnamed(dir, None)?;
    file.write_all(text.as_bytes()).map_err(store_error)?;
    if durability == Durability::Power {
        file.sync_all().map_err(store_error)?;
    }
    dir.rename(&draft, dir, &sidecar).map_err(store_error)?;
    place.sync(durability)
}

/// Removes the record of an append that is over; one of another append stays.
pub(super) fn remove(
    place: &Place,
    record: &Record,
    durability: Durability,
) -> Result<(), StoreError> {
    let there = match read(&place.dir, &names::append_record(&place.name)) {
        Err(StoreError::NotFound) => None,
        there => there?,
    };
    match there {
        Some((there, _)) if there == *record => unlink(place, durability),
        _ => Ok(()),
    }
}

/// Keeps appends to what is at `place` away while the file returned is held; none is needed
/// where nothing is. What a crash left of an append is undone first.
///
/// # Errors
/// [`StoreError::Busy`] while an append is under way.
pub(super) fn keep_appends_away(
    place: &Place,
    durability: Durability,
) -> Result<Option<File>, StoreError> {
    let Place { dir, name } = place;
    for _ in 0..OPEN_TRIES_MAX {
        settle(place, durability)?;
        let file = match place::open(dir, name, &system::reading_no_link()) {
            // What may not be opened is not appended to either.
            Err(StoreError::NotFound | StoreError::NotFile | StoreError::NotPermitted) => {
                return Ok(None);
            }
            file => file?,
        };
        if !place::lock_patiently(&file, place::lock_shared)? {
            return Err(StoreError::Busy);
        }
        if place::is_still(dir, name, &file)? {
            return Ok(Some(file));
        }
    }
    Err(StoreError::Busy)
}

/// Whether there is a record beside what is at `place`: else nothing needs to be settled.
pub(super) fn is_beside(place: &Place) -> Result<bool, StoreError> {
    let record = names::append_record(&place.name);
    place::entry(&place.dir, &record).map(|found| found.is_some())
}

/// Undoes an append to the file at `place` that nobody is carrying on.
pub(super) fn settle(place: &Place, durability: Durability) -> Result<Settled, StoreError> {
    let Place { dir, name } = place;
    if !is_beside(place)? {
        return Ok(Settled::Clean);
    }
    let file = match place::open(dir, name, &system::writing_no_link()) {
        // The record waits for the sweep: an append that creates the file may be starting.
        Err(StoreError::NotFound | StoreError::NotFile) => return Ok(Settled::Clean),
        file => file?,
    };
    if !place::lock(&file)? {
        return Ok(Settled::Live);
    }
    settle_locked(place, &file, durability)
}

/// The same for the holder of the file's lock: until then the record may have changed.
pub(super) fn settle_locked(
    place: &Place,
    file: &File,
    durability: Durability,
) -> Result<Settled, StoreError> {
    let Place { dir, name } = place;
    let sidecar = names::append_record(name);
    if place::entry(dir, &sidecar)?.is_none() {
        return Ok(Settled::Clean);
    }
    let record = read(dir, &sidecar)?.map(|(record, _)| record);
    let identity = system::identity_of(file).map_err(store_error)?;
    let settled = match record {
        Some(record) if record.identity == identity => {
            undo(place, file, &record, durability)?;
            Settled::RolledBack
        }
        // A record of another file, since replaced or moved away, or none of ours.
        _ => Settled::Clean,
    };
    unlink(place, durability)?;
    Ok(settled)
}

fn unlink(place: &Place, durability: Durability) -> Result<(), StoreError> {
    place
        .dir
        .remove_file(names::append_record(&place.name))
        .map_err(store_error)?;
    place.sync(durability)
}

/// Makes the file what it was. The caller holds the lock, and removes the record afterwards.
pub(super) fn undo(
    place: &Place,
    file: &File,
    record: &Record,
    durability: Durability,
) -> Result<(), StoreError> {
    if file.metadata().map_err(store_error)?.len() > record.length {
        file.set_len(record.length).map_err(store_error)?;
        if durability == Durability::Power {
            file.sync_all().map_err(store_error)?;
        }
    }
    if record.is_created && place::is_still(&place.dir, &place.name, file)? {
        place.dir.remove_file(&place.name).map_err(store_error)?;
    }
    Ok(())
}

/// The record in `sidecar` and the name of the file it is about; `None` when it makes no sense.
pub(super) fn read(dir: &Dir, sidecar: &str) -> Result<Option<(Record, String)>, StoreError> {
    let file = place::open(dir, sidecar, &system::reading_no_link())?;
    let mut text = String::new();
    match file.take(RECORD_BYTES_MAX).read_to_string(&mut text) {
        Ok(_) => Ok(parse(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Ok(None),
        Err(error) => Err(store_error(error)),
    }
}

fn parse(text: &str) -> Option<(Record, String)> {
    let mut lines = text.split('\n');
    if lines.next()? != HEADER {
        return None;
    }
    let length = lines.next()?.parse().ok()?;
    let identity = (lines.next()?.parse().ok()?, lines.next()?.parse().ok()?);
    let is_created = match lines.next()? {
        "0" => false,
        "1" => true,
        _ => return None,
    };
    let name = lines.next()?;
    // The last line is empty when the record is whole.
    let is_whole = lines.next() == Some("") && !name.is_empty() && !name.contains('/');
    is_whole.then(|| {
        (
            Record {
                length,
                identity,
                is_created,
            },
            name.to_owned(),
        )
    })
}

/// The first line of a record, with the number of its form.
const HEADER: &str = "thirdhost append 1";

/// A record is never longer: five numbers and a file name.
const RECORD_BYTES_MAX: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, is_record: bool) {
        assert_eq!(parse(text).is_some(), is_record, "{text:?}");
    }

    #[test]
    fn only_a_whole_record_is_believed() {
        check("thirdhost append 1\n7\n1\n2\n0\na\n", true);
        check("thirdhost append 1\n7\n1\n2\n1\na b\n", true);
        check("thirdhost append 2\n7\n1\n2\n0\na\n", false);
        check("thirdhost append 1\n7\n1\n2\n2\na\n", false);
        check("thirdhost append 1\n7\n1\n2\n0\na", false);
        check("thirdhost append 1\n7\n1\n2\n0\n../a\n", false);
        check("thirdhost append 1\n7\n1\n2\n0\n\n", false);
        check("thirdhost append 1\n-7\n1\n2\n0\na\n", false);
        check("", false);
    }
}
