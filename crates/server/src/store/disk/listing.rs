//! Listing a directory, a bounded batch at a time. Spec S-56.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use cap_std::fs::{Dir, Metadata};
use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;
use tokio::task::{self, JoinHandle};

use super::super::{
    Entry, EntryKind, LISTING_BATCH_MAX, Listing, Page, Pages, Pen, StoreError, names,
};
use super::errors::store_error;
use super::place::relative;
use super::system;

/// A directory being read. Names that are not UTF-8 are left out: no command could name them.
///
/// When the future of a batch is dropped, that batch is lost.
pub(super) struct DiskListing {
    ahead: Ahead<Batch>,
}

impl DiskListing {
    pub(super) fn open(root: Arc<Dir>, path: &VirtualPath) -> Result<Self, StoreError> {
        let ahead = Ahead::open(root, path)?;
        Ok(Self { ahead })
    }
}

impl Listing for DiskListing {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        Box::pin(async {
            // All names of a batch may be hidden, and more may follow.
            while let Some(batch) = self.ahead.next(|_| Batch::default()).await? {
                if !batch.0.is_empty() {
                    return Ok(batch.0);
                }
            }
            Ok(Vec::new())
        })
    }
}

/// A directory being read and written down. What a page needs in memory goes round.
///
/// When the future of a page is dropped, that page is lost.
pub(super) struct DiskPages {
    ahead: Ahead<Sheet>,
    pen: Box<dyn Pen>,
    /// The page that was given last.
    given: Option<Sheet>,
}

impl DiskPages {
    pub(super) fn open(
        root: Arc<Dir>,
        path: &VirtualPath,
        pen: Box<dyn Pen>,
    ) -> Result<Self, StoreError> {
        let ahead = Ahead::open(root, path)?;
        let given = None;
        Ok(Self { ahead, pen, given })
    }
}

impl Pages for DiskPages {
    fn next_page(&mut self) -> BoxFuture<'_, Result<Option<Page<'_>>, StoreError>> {
        Box::pin(async {
            let mut blank = self.given.take();
            let pen = &self.pen;
            // The user chooses what is in front of the names, and may do without reading.
            let parts = 1 + pen.bytes_in_front() / IN_FRONT_BYTES;
            let sheet = |begun| {
                let room = if begun {
                    PAGE_NAMES_BYTES
                } else {
                    FIRST_NAMES_BYTES
                };
                let room = (room / parts).max(NAMES_BYTES_MIN);
                match blank.take() {
                    Some(sheet) => sheet.with_room(room),
                    None => Sheet::new(pen.another(), room),
                }
            };
            self.given = self.ahead.next(sheet).await?;
            Ok(self.given.as_ref().map(|sheet| Page {
                text: &sheet.text,
                entries: sheet.entries,
            }))
        })
    }
}

/// What the entries of a piece of a directory become.
trait Piece: Send + 'static {
    /// Looks at a piece; false when it was the last.
    fn gather(&mut self, from: &Directory) -> Result<bool, StoreError>;
}

/// The pieces of a directory, in the order in which they were begun. Asking for the facts of each
/// entry is what takes the time, so that in a directory of more than one piece, several are
/// gathered at the same time, ahead of the reader.
struct Ahead<T> {
    directory: Arc<Directory>,
    /// Pieces that are being gathered, each in a thread for blocking work.
    gathering: VecDeque<JoinHandle<Result<(T, bool), StoreError>>>,
    /// Whether the first piece has come.
    begun: bool,
    /// Whether all names have been read.
    at_end: bool,
}

impl<T: Piece> Ahead<T> {
    fn open(root: Arc<Dir>, path: &VirtualPath) -> Result<Self, StoreError> {
        let path = relative(path).to_owned();
        let reader = system::DirectoryReader::open(&root, &path).map_err(store_error)?;
        let directory = Directory { root, path, reader };
        Ok(Self {
            directory: Arc::new(directory),
            gathering: VecDeque::new(),
            begun: false,
            at_end: false,
        })
    }

    /// The next piece; `None` at the end. `blank` makes those that are begun, and is told whether
    /// the first has come.
    async fn next(&mut self, mut blank: impl FnMut(bool) -> T) -> Result<Option<T>, StoreError> {
        self.look_ahead(&mut blank);
        let Some(next) = self.gathering.pop_front() else {
            return Ok(None);
        };
        let gathered = next.await;
        let (piece, more) = gathered.map_err(|error| StoreError::Io(io::Error::other(error)))??;
        self.begun = true;
        self.at_end |= !more;
        self.look_ahead(&mut blank);
        Ok(Some(piece))
    }

    /// Has as many pieces gathered as may be. A small directory ends with the first.
    fn look_ahead(&mut self, blank: &mut impl FnMut(bool) -> T) {
        let most = if self.begun { PIECES_AHEAD } else { 1 };
        while !self.at_end && self.gathering.len() < most {
            let (directory, mut piece) = (Arc::clone(&self.directory), blank(self.begun));
            let gathering = task::spawn_blocking(move || {
                let more = piece.gather(&directory)?;
                Ok((piece, more))
            });
            self.gathering.push_back(gathering);
        }
    }
}

/// Entries.
#[derive(Default)]
struct Batch(Vec<Entry>);

impl Piece for Batch {
    fn gather(&mut self, from: &Directory) -> Result<bool, StoreError> {
        let mut room = Vec::with_capacity(BATCH_NAMES_BYTES);
        let mut scratch = no_entry();
        from.read(&mut room, &mut scratch, |entry| self.0.push(entry.clone()))
    }
}

/// Lines, and all that is needed to write them.
struct Sheet {
    pen: Box<dyn Pen>,
    text: String,
    entries: u64,
    /// Where the kernel puts names.
    room: Vec<u8>,
    /// The entry whose line is being written.
    scratch: Entry,
}

impl Sheet {
    fn new(pen: Box<dyn Pen>, room: usize) -> Self {
        Self {
            pen,
            text: String::new(),
            entries: 0,
            room: Vec::with_capacity(room),
            scratch: no_entry(),
        }
    }

    fn with_room(mut self, room: usize) -> Self {
        if self.room.capacity() < room {
            self.room = Vec::with_capacity(room);
        }
        self
    }
}

impl Piece for Sheet {
    fn gather(&mut self, from: &Directory) -> Result<bool, StoreError> {
        let (pen, text) = (&mut self.pen, &mut self.text);
        text.clear();
        let mut entries = 0;
        let more = from.read(&mut self.room, &mut self.scratch, |entry| {
            entries += u64::from(pen.write(entry, text));
        });
        self.entries = entries;
        more
    }
}

struct Directory {
    root: Arc<Dir>,
    path: String,
    reader: system::DirectoryReader,
}

impl Directory {
    /// Gives `each` the next entries with their facts, in `entry`; false at the end. What is not
    /// shown, or is gone by now, is passed over.
    fn read(
        &self,
        room: &mut Vec<u8>,
        entry: &mut Entry,
        mut each: impl FnMut(&Entry),
    ) -> Result<bool, StoreError> {
        let read = self.reader.read(room, |found| {
            if names::is_hidden(found.name()) {
                return;
            }
            let Some(is_link) = found.look(entry) else {
                return;
            };
            if is_link {
                self.follow(found.name(), entry);
            }
            each(entry);
        });
        read.map_err(store_error)
    }

    /// The facts of what a link leads to, if it leads anywhere. Followed from the root, not from
    /// here: a link may lead up and down again.
    fn follow(&self, name: &str, into: &mut Entry) {
        if let Ok(target) = self.root.metadata(format!("{}/{name}", self.path)) {
            *into = entry(name.to_owned(), &target);
        }
    }
}

/// The facts about `name`; what is neither file nor directory is other.
pub(super) fn entry(name: String, metadata: &Metadata) -> Entry {
    let kind = match () {
        () if metadata.is_file() => EntryKind::File,
        () if metadata.is_dir() => EntryKind::Directory,
        () => EntryKind::Other,
    };
    let size = match kind {
        EntryKind::File => metadata.len(),
        EntryKind::Directory | EntryKind::Other => 0,
    };
    let modified = metadata.modified();
    let mut entry = Entry {
        name,
        kind,
        size,
        modified: modified.map_or(UNIX_EPOCH, |time| time.into_std()),
        ..no_entry()
    };
    system::add_facts(&mut entry, metadata);
    entry
}

/// Room for an entry.
fn no_entry() -> Entry {
    Entry {
        name: String::new(),
        kind: EntryKind::Other,
        size: 0,
        modified: UNIX_EPOCH,
        unique: (0, 0),
        mode: 0,
        links: 1,
        owner: (0, 0),
        partial: None,
    }
}

/// How many pieces are gathered at the same time, one of them for the reader to wait for.
const PIECES_AHEAD: usize = 3;

/// The names of a batch, as the kernel gives them: 24 octets the shortest, 280 the longest. Half as
/// many again may come.
const BATCH_NAMES_BYTES: usize = LISTING_BATCH_MAX * 24 / 3 * 2;

/// The names of the first page: a directory of some hundred files ends with it.
const FIRST_NAMES_BYTES: usize = 16 * 1024;

/// The names of the others: a thousand, so that changing threads for a page costs little beside it.
/// Their lines take about 100 KiB, three times while such a directory is listed.
const PAGE_NAMES_BYTES: usize = 32 * 1024;

/// What is in front of each name and longer than this makes the pages shorter, so that their text
/// does not grow with it.
const IN_FRONT_BYTES: usize = 128;

/// The least room for names: the kernel gives none where the next does not fit.
const NAMES_BYTES_MIN: usize = 1024;
