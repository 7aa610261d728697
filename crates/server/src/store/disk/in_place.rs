//! The classic way of STOR and STOU: into the target itself, and what has arrived stays.

use super::super::StoreError;
use super::super::names;
use super::append::locked_target;
use super::errors::store_error;
use super::place::{self, Place};
use super::upload::Work;
use super::writer::Writer;
use super::{Durability, system};

/// An upload into the target itself, which holds the file's lock.
#[derive(Debug)]
pub(super) struct InPlace {
    place: Place,
    writer: Writer,
    /// Where it goes on.
    offset: u64,
    is_created: bool,
    durability: Durability,
    state: State,
}

impl InPlace {
    /// Writes from `offset` on; what lies behind is cut off with the first byte, or at the end.
    pub(super) fn begin(
        place: Place,
        offset: u64,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        place.file_entry()?;
        let (file, is_created) = locked_target(&place, durability)?;
        let writer = Writer::new(file, offset);
        let upload = Self {
            place,
            writer,
            offset,
            is_created,
            durability,
            state: State::Arriving,
        };
        if upload.writer.size() < offset {
            return Err(StoreError::BadOffset);
        }
        Ok(upload)
    }

    /// Creates a file under a name that is free.
    pub(super) fn unique(place: Place, durability: Durability) -> Result<Self, StoreError> {
        let mut options = system::writing_no_link();
        options.create_new(true);
        for name in names::candidates(&place.name) {
            match place::open(&place.dir, &name, &options) {
                Err(StoreError::Exists) => {}
                Err(error) => return Err(error),
                Ok(file) => {
                    place::lock(&file)?;
                    let writer = Writer::new(file, 0);
                    let place = Place {
                        dir: place.dir,
                        name,
                    };
                    let is_created = true;
                    return Ok(Self {
                        place,
                        writer,
                        offset: 0,
                        is_created,
                        durability,
                        state: State::Arriving,
                    });
                }
            }
        }
        Err(StoreError::Exists)
    }

    /// The name it appears under.
    pub(super) fn name(&self) -> &str {
        &self.place.name
    }

    /// Brings to the disk what has arrived. What fails is not there to be gone on with: the system
    /// tells of it once, and the next time says that all is well.
    fn keep(&mut self) -> Result<(), StoreError> {
        if self.durability == Durability::Process {
            return Ok(());
        }
        self.writer.file().sync_all().map_err(|error| {
            self.state = State::Lost;
            // Where nothing can be cut off either, the user has been told that it failed.
            let _ = self.writer.file().set_len(self.offset);
            store_error(error)
        })
    }
}

impl Work for InPlace {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.writer.write(bytes)
    }

    fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.writer.finish(Durability::Process)?;
        self.keep()?;
        self.state = State::Done;
        self.place.sync(self.durability)
    }

    /// The classic way leaves what has arrived.
    fn discard(self: Box<Self>) {}
}

impl Drop for InPlace {
    fn drop(&mut self) {
        if self.state == State::Arriving && self.writer.is_touched() {
            let _ = self.keep();
        }
        let Place { dir, name } = &self.place;
        let is_unfinished = self.state != State::Done;
        let is_empty_leftover = is_unfinished && self.is_created && self.writer.size() == 0;
        if is_empty_leftover && place::is_still(dir, name, self.writer.file()).unwrap_or(false) {
            // An empty file is left when it cannot be removed: the classic way leaves more.
            let _ = dir.remove_file(name);
        }
    }
}

/// How far the upload has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Arriving,
    /// The disk did not take it.
    Lost,
    Done,
}
