//! Questions of the server-PI to the store, answered.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use thirdhost_proto::server::{Answer, Event, Permissions, Question, Refusal, VirtualPath};
use thirdhost_wire::{Fact, FactSet, RepresentationType, TimeVal};
use tokio_util::sync::CancellationToken;

use super::parts::Asking;
use super::refusal::refusal;
use super::{Done, Session, hash};
use crate::dtp::{list_line, mlsx_line, time_val};
use crate::limits;
use crate::store::{Entry, EntryKind, Kept, Source, Store, StoreError};

impl Session {
    /// Has a question answered: at once, or by the operation that runs now.
    pub(super) fn ask(&mut self, question: Question) {
        let now = self.now();
        let Some(user) = &mut self.user else {
            let refused = Event::Answered(Err(Refusal::NotPermitted));
            return self.pi.handle_event(now, refused);
        };
        let store = Arc::clone(&user.store);
        let answering = match question {
            Question::Who => {
                let lines = self.shared.presence.lines(now);
                let directory = false;
                let answer = Answer::Lines { directory, lines };
                return self.pi.handle_event(now, Event::Answered(Ok(answer)));
            }
            Question::Room { octets } => {
                self.announced = Some(octets);
                room(store, octets, self.when_gone()).boxed()
            }
            Question::Hash { algorithm, targets } => {
                let bounds = self.hashing();
                hash::hash(store, algorithm, targets, bounds).boxed()
            }
            Question::Parts(question) => {
                let held = Arc::clone(user.parts.get_or_insert_default());
                let asking = Asking {
                    account: Arc::clone(&user.account),
                    shared: Arc::clone(&self.shared),
                    bounds: self.hashing(),
                    store,
                    held,
                };
                asking.answer(question).boxed()
            }
            question => {
                let wall = self.shared.world.clock.wall();
                answer(store, user.account.permissions.clone(), wall, question).boxed()
            }
        };
        let answering = answering.map(|answer| Done::Event(Event::Answered(answer)));
        self.operation = Some(answering.boxed());
    }

    /// Cancelled when nobody waits for answers any more.
    fn when_gone(&mut self) -> CancellationToken {
        self.gone.get_or_insert_default().clone()
    }

    /// What bounds a hash that this session asks for.
    fn hashing(&mut self) -> hash::Bounds {
        hash::Bounds {
            turns: Arc::clone(&self.shared.hashing),
            octets_max: limits::HASH_BYTES_MAX,
            gone: self.when_gone(),
            threads: Arc::clone(&self.shared.world.threads),
        }
    }
}

/// Asks the store.
async fn answer(
    store: Arc<dyn Store>,
    permissions: Permissions,
    now: SystemTime,
    question: Question,
) -> Result<Answer, Refusal> {
    let answer = match &question {
        Question::Enter(path) => enter(&*store, path).await,
        Question::Exists(path) => store.look(path).await.map(|_| Answer::Done),
        Question::MakeDirectory(path) => store.make_directory(path).await.map(|()| Answer::Done),
        Question::RemoveDirectory(path) => {
            store.remove_directory(path).await.map(|()| Answer::Done)
        }
        Question::Delete(path) => store.delete(path).await.map(|()| Answer::Done),
        Question::Rename { from, to, replace } => {
            let renaming = if *replace {
                store.rename(from, to)
            } else {
                store.rename_new(from, to)
            };
            renaming.await.map(|()| Answer::Done)
        }
        Question::Modified(path) => file(&*store, path)
            .await
            .map(|e| Answer::Text(time_val(e.modified))),
        Question::Facts { path, facts } => match store.stat(path).await {
            Ok(entry) => {
                let line = mlsx_line(&named(entry, path), path, *facts, &permissions);
                Ok(Answer::Text(line))
            }
            Err(StoreError::NotFound) => partial(&*store, path, *facts).await,
            Err(error) => Err(error),
        },
        Question::Size {
            path,
            representation,
        } => {
            return size(&*store, path, *representation).await;
        }
        Question::SetFacts {
            path,
            modified,
            mode,
        } => set_facts(&*store, path, *modified, *mode).await,
        // The session answers these itself: they need more than a store.
        Question::Room { .. } | Question::Hash { .. } | Question::Parts(_) | Question::Who => {
            Err(StoreError::NotSupported)
        }
        Question::Status(path) => status(&*store, path, now).await,
    };
    answer.map_err(|error| refusal(&error))
}

/// Whether there is room, for which a home may have to be counted, however large it is.
async fn room(
    store: Arc<dyn Store>,
    octets: u64,
    gone: CancellationToken,
) -> Result<Answer, Refusal> {
    let room = gone.run_until_cancelled(store.room(octets)).await;
    match room {
        Some(Ok(())) => Ok(Answer::Done),
        Some(Err(error)) => Err(refusal(&error)),
        None => Err(Refusal::Failed),
    }
}

async fn enter(store: &dyn Store, path: &VirtualPath) -> Result<Answer, StoreError> {
    match store.look(path).await?.kind {
        EntryKind::Directory => Ok(Answer::Done),
        EntryKind::File | EntryKind::Other => Err(StoreError::NotDirectory),
    }
}

async fn file(store: &dyn Store, path: &VirtualPath) -> Result<Entry, StoreError> {
    let entry = store.look(path).await?;
    match entry.kind {
        EntryKind::File => Ok(entry),
        EntryKind::Directory | EntryKind::Other => Err(StoreError::NotFile),
    }
}

/// Mode first: a file may be ours and yet not let us change its times.
async fn set_facts(
    store: &dyn Store,
    path: &VirtualPath,
    modified: Option<TimeVal>,
    mode: Option<u32>,
) -> Result<Answer, StoreError> {
    if let Some(mode) = mode {
        store.set_mode(path, mode).await?;
    }
    if let Some(modified) = modified {
        let modified = system_time(modified).ok_or(StoreError::NotSupported)?;
        store.set_modified(path, modified).await?;
    }
    Ok(Answer::Done)
}

/// `None` for a time the system's clock cannot hold.
fn system_time(time: TimeVal) -> Option<SystemTime> {
    let (seconds, nanoseconds) = (time.unix_seconds(), time.nanoseconds());
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let second = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(whole)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(whole)
    };
    second?.checked_add(Duration::from_nanos(nanoseconds.into()))
}

/// Nothing is there yet, but an interrupted transfer to this name can be gone on with: the fact
/// X.partial tells how far it came (design D10), X.partial-modify when.
async fn partial(
    store: &dyn Store,
    path: &VirtualPath,
    facts: FactSet,
) -> Result<Answer, StoreError> {
    let Kept { bytes, modified } = store.partial(path).await?.ok_or(StoreError::NotFound)?;
    let mut line = format!("{}={bytes};", Fact::Partial.name());
    if facts.contains(Fact::PartialModify) {
        let (name, modified) = (Fact::PartialModify.name(), time_val(modified));
        line.push_str(&format!("{name}={modified};"));
    }
    Ok(Answer::Text(format!("{line} {path}")))
}

/// RFC 3659 section 7.2: MLST tells the pathname in full.
fn named(mut entry: Entry, path: &VirtualPath) -> Entry {
    path.as_str().clone_into(&mut entry.name);
    entry
}

/// The exact octets a transfer would move (RFC 3659 section 4).
async fn size(
    store: &dyn Store,
    path: &VirtualPath,
    representation: RepresentationType,
) -> Result<Answer, Refusal> {
    let entry = file(store, path).await.map_err(|error| refusal(&error))?;
    if representation == RepresentationType::Image {
        return Ok(Answer::Size(entry.size));
    }
    let source = store.open(path, 0).await.map_err(|error| refusal(&error))?;
    counted(source).await.map(Answer::Size)
}

/// How many octets what was there when it was opened takes in TYPE A; what comes behind it
/// meanwhile is not sent either.
async fn counted(mut source: Box<dyn Source>) -> Result<u64, Refusal> {
    let mut left = source.size();
    if left > limits::ASCII_SIZE_BYTES_MAX {
        return Err(Refusal::TooLargeToCount);
    }
    let (mut octets, mut buffer) = (0_u64, Vec::new());
    while left > 0 {
        buffer.clear();
        let wanted = usize::try_from(left).unwrap_or(usize::MAX);
        let read = source.read(&mut buffer, wanted.min(COUNT_CHUNK_BYTES));
        let read = match read.await.map_err(|error| refusal(&error))? {
            0 => break,
            read => read as u64,
        };
        left = left.saturating_sub(read);
        // Each LF goes out as CR LF.
        octets += read + buffer.iter().filter(|&&octet| octet == b'\n').count() as u64;
    }
    Ok(octets)
}

async fn status(
    store: &dyn Store,
    path: &VirtualPath,
    now: SystemTime,
) -> Result<Answer, StoreError> {
    let entry = store.stat(path).await?;
    if entry.kind != EntryKind::Directory {
        return Ok(Answer::Lines {
            directory: false,
            lines: vec![list_line(&entry, now)],
        });
    }
    let mut listing = store.list(path).await?;
    let mut lines = Vec::new();
    while lines.len() < STATUS_LINES_MAX {
        let batch = listing.next_batch().await?;
        if batch.is_empty() {
            return Ok(Answer::Lines {
                directory: true,
                lines,
            });
        }
        lines.extend(batch.iter().map(|entry| list_line(entry, now)));
    }
    lines.truncate(STATUS_LINES_MAX);
    lines.push("(cut here; use LIST or MLSD)".to_owned());
    Ok(Answer::Lines {
        directory: true,
        lines,
    })
}

/// How much of it is read at once.
const COUNT_CHUNK_BYTES: usize = 64 * 1024;

/// STAT's listing goes over the control connection and is held in memory whole.
const STATUS_LINES_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::store::{DiskStore, Durability, UploadPolicy};

    /// Somebody may append faster than is read.
    #[tokio::test]
    async fn what_grows_is_counted_as_it_was_opened() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("f");
        std::fs::write(&file, "a\nb").unwrap();
        let store = DiskStore::open(root.path(), UploadPolicy::Whole, Durability::Process).unwrap();
        let path = VirtualPath::root().join(&"f".try_into().unwrap()).unwrap();
        let source = store.open(&path, 0).await.unwrap();
        let mut grown = std::fs::File::options().append(true).open(&file).unwrap();
        grown.write_all(b"more\n").unwrap();
        assert_eq!(counted(source).await, Ok(4));
    }
}
