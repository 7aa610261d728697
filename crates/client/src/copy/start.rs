//! Where a file goes, and with which of its octets it begins.

use thirdhost_wire::TimeVal;

use super::ahead::FILE_BYTES_MAX;
use super::local::Beneath;
use super::plan::Job;
use super::worker::Line;
use super::{Copy, Location, look, upload};
use crate::{ControlConn, Error};

/// Where a file goes, and from which of its octets on.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) at: Location,
    /// It gets its own name when it is whole.
    pub(super) is_aside: bool,
    pub(super) offset: u64,
}

impl Start {
    /// From the first octet on, where nobody else writes.
    pub(super) fn new(copy: &Copy, line: &mut Line, job: &Job) -> Self {
        match upload::aside(copy, line, job) {
            Some(aside) => Self {
                at: Location::Remote(Some(aside)),
                is_aside: true,
                offset: 0,
            },
            None => Self::in_place(job),
        }
    }

    /// Under its own name.
    pub(super) fn in_place(job: &Job) -> Self {
        Self {
            at: job.to.clone(),
            is_aside: false,
            offset: 0,
        }
    }
}

/// Where a file goes, and where an interrupted one is gone on with (spec F-5, RFC 3659 section 5).
///
/// `None` if all of it is there, which a listing need not show. What was set aside before and is
/// not gone on with is removed.
pub(super) async fn begin(
    copy: &Copy,
    line: &mut Line,
    job: &mut Job,
) -> Result<Option<Start>, Error> {
    let again = match job.has_begun {
        true => Some(look_again(line, job).await?),
        false => None,
    };
    let is_other = again.is_some_and(|again| again.is_same == Some(false));
    job.begins_anew |= is_other;
    let start = match is_other {
        true => Some(Start::new(copy, line, job)),
        false => go_on(copy, line, job, again).await?,
    };
    if copy.options.retries > 0 && start.as_ref().is_some_and(|start| start.offset == 0) {
        note_time(line, job).await?;
    }
    let at = start.as_ref().map(|start| &start.at);
    upload::discard(line, job, at).await;
    Ok(start)
}

/// Our server tells what it kept (`X.partial`); of any other the length of what is there counts.
async fn go_on(
    copy: &Copy,
    line: &mut Line,
    job: &mut Job,
    again: Option<Again>,
) -> Result<Option<Start>, Error> {
    let start = Start::new(copy, line, job);
    let can = |conn: Option<&mut ControlConn>| conn.is_none_or(|conn| conn.features().has("REST"));
    // What somebody else left may be the beginning of another file.
    let is_wanted = copy.options.resume || job.has_begun;
    if job.file.size.is_none() || !is_wanted || !can(line.source()) || !can(line.destination()) {
        return Ok(Some(start));
    }
    if start.is_aside {
        return go_on_aside(copy, line, job, (start, again)).await;
    }
    // What is there may be the old file, or the beginning of what the source had before.
    if job.begins_anew || !copy.options.resume && is_classic(line) {
        return Ok(Some(start));
    }
    let offset = match kept(line, job, &start.at, job.has_begun).await? {
        Some(kept) if is_of_source(line, job, again).await? && kept.is_beginning_of(job) => {
            kept.bytes
        }
        _ => 0,
    };
    Ok(Some(Start { offset, ..start }))
}

/// The same where a file is set aside; what is `fresh` is nobody's beginning.
async fn go_on_aside(
    copy: &Copy,
    line: &mut Line,
    job: &mut Job,
    (fresh, again): (Start, Option<Again>),
) -> Result<Option<Start>, Error> {
    if let Some(left) = &job.left {
        let at = left.clone();
        let begun = Start { at, ..fresh };
        if let Some(kept) = kept(line, job, &begun.at, job.has_begun).await? {
            let offset = kept.bytes;
            let goes_on = is_of_source(line, job, again).await? && kept.is_beginning_of(job);
            let start = if goes_on {
                Start { offset, ..begun }
            } else {
                fresh
            };
            return Ok(Some(start));
        }
    }
    if !copy.options.resume || job.begins_anew {
        return Ok(Some(fresh));
    }
    // Perhaps the work of somebody who did not set it aside.
    let own = Start::in_place(job);
    Ok(match kept(line, job, &own.at, false).await? {
        Some(_) if !is_of_source(line, job, again).await? => Some(fresh),
        Some(kept) if Some(kept.bytes) == job.file.size => None,
        Some(kept) if kept.is_beginning_of(job) => {
            let offset = kept.bytes;
            Some(Start { offset, ..own })
        }
        _ => Some(fresh),
    })
}

/// Whether what is there half done can be of what the source has now. What this run stored is, if
/// the source is known to be the same; what somebody else left has its own time to tell.
async fn is_of_source(line: &mut Line, job: &mut Job, again: Option<Again>) -> Result<bool, Error> {
    let Again {
        mut is_same,
        tells_time,
    } = match again {
        Some(again) => again,
        None => look_again(line, job).await?,
    };
    if is_same.is_none() && !tells_time {
        let now = told_time(line, job).await?;
        is_same = is_one(now, job);
        job.changed = now.or(job.changed);
    }
    let is_of_source = is_same.unwrap_or(!job.has_begun);
    job.begins_anew |= !is_of_source;
    Ok(is_of_source)
}

/// What one more look says of the source.
#[derive(Clone, Copy, Debug)]
struct Again {
    /// It is what it was when it was looked at before, hours ago perhaps; what is told at one of
    /// the two looks alone says nothing.
    is_same: Option<bool>,
    tells_time: bool,
}

async fn look_again(line: &mut Line, job: &mut Job) -> Result<Again, Error> {
    let Some(now) = look::at(line.source(), &job.from).await? else {
        return Ok(Again {
            is_same: Some(false),
            tells_time: false,
        });
    };
    let has_other_size = now.size.zip(job.file.size).is_some_and(|(a, b)| a != b);
    let is_same = match has_other_size {
        true => Some(false),
        false => is_one(now.modified, job),
    };
    job.file.size = now.size.or(job.file.size);
    job.file.modified = now.modified.or(job.file.modified);
    job.changed = now.modified.or(job.changed);
    Ok(Again {
        is_same,
        tells_time: now.modified.is_some(),
    })
}

/// Whether this is the time that was told before, if one was.
fn is_one(now: Option<TimeVal>, job: &Job) -> Option<bool> {
    let before = job.changed.or(job.file.modified);
    let times = now.zip(before);
    times.map(|(now, before)| now.unix_seconds() == before.unix_seconds())
}

/// Asks for the time of a file that is long enough for a retry to be worth it, where the first look
/// did not tell: later nobody knows any more whether it was replaced meanwhile.
async fn note_time(line: &mut Line, job: &mut Job) -> Result<(), Error> {
    let is_long = job.file.size.is_some_and(|size| size > FILE_BYTES_MAX);
    if is_long && job.changed.or(job.file.modified).is_none() {
        job.changed = told_time(line, job).await?;
    }
    Ok(())
}

/// MDTM, for listings that do not tell it.
async fn told_time(line: &mut Line, job: &Job) -> Result<Option<TimeVal>, Error> {
    match (&job.from, line.source()) {
        (Location::Remote(Some(from)), Some(conn)) => conn.modified(from).await,
        _ => Ok(None),
    }
}

/// What is there of a file: one octet at least.
struct Kept {
    bytes: u64,
    /// When the last of them came, where that has to be known.
    modified: Option<TimeVal>,
}

impl Kept {
    /// Whether it can be a beginning of the file that has not failed before.
    ///
    /// More than the source has cannot be one, nor can what somebody left there before the source
    /// was last changed: the size would be right in the end, and where no hash is told nobody would
    /// see that two files were mixed.
    fn is_beginning_of(&self, job: &Job) -> bool {
        let fits = job.file.size.is_some_and(|size| self.bytes <= size);
        let times = self.modified.zip(job.changed.or(job.file.modified));
        let is_later =
            |(last, changed): (TimeVal, TimeVal)| last.unix_seconds() >= changed.unix_seconds();
        fits && job.failed_at != Some(self.bytes) && times.is_none_or(is_later)
    }
}

/// What is there of a file; `is_own` if this run stored it, so that its time says nothing new.
async fn kept(
    line: &mut Line,
    job: &Job,
    at: &Location,
    is_own: bool,
) -> Result<Option<Kept>, Error> {
    let (bytes, modified) = match (at, line.destination()) {
        (Location::Local(_), _) => job
            .here
            .as_ref()
            .and_then(Beneath::kept)
            .unwrap_or_default(),
        (Location::Remote(Some(path)), Some(conn)) if upload::keeps_partials(conn) => {
            match conn.stat(path).await {
                Ok(stat) => (stat.partial.unwrap_or(0), stat.partial_modified),
                Err(Error::Refused { .. }) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        (Location::Remote(Some(path)), Some(conn)) => match conn.size(path).await?.unwrap_or(0) {
            bytes if is_own || bytes == 0 => (bytes, None),
            bytes => (bytes, conn.modified(path).await?),
        },
        _ => return Ok(None),
    };
    let modified = modified.filter(|_| !is_own);
    Ok((bytes > 0).then_some(Kept { bytes, modified }))
}

fn is_classic(line: &mut Line) -> bool {
    line.destination()
        .is_some_and(|conn| !upload::keeps_partials(conn))
}
