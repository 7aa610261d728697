//! Where a file goes, and with which of its octets it begins.

use thirdhost_wire::TimeVal;

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
    let start = match job.has_begun && has_changed(line, job).await? {
        true => Some(Start::new(copy, line, job)),
        false => go_on(copy, line, job).await?,
    };
    let at = start.as_ref().map(|start| &start.at);
    upload::discard(line, job, at).await;
    Ok(start)
}

/// Our server tells what it kept (`X.partial`); of any other the length of what is there counts.
async fn go_on(copy: &Copy, line: &mut Line, job: &Job) -> Result<Option<Start>, Error> {
    let start = Start::new(copy, line, job);
    let can = |conn: Option<&mut ControlConn>| conn.is_none_or(|conn| conn.features().has("REST"));
    // What somebody else left may be the beginning of another file.
    let is_wanted = copy.options.resume || job.has_begun;
    if job.file.size.is_none() || !is_wanted || !can(line.source()) || !can(line.destination()) {
        return Ok(Some(start));
    }
    if start.is_aside {
        return go_on_aside(copy, line, job, start).await;
    }
    if !copy.options.resume && is_classic(line) {
        // What is there may be the old file.
        return Ok(Some(start));
    }
    let offset = match kept(line, job, &start.at, job.has_begun).await? {
        Some(kept) if kept.is_beginning_of(line, job).await? => kept.bytes,
        _ => 0,
    };
    Ok(Some(Start { offset, ..start }))
}

/// The same where a file is set aside; what is `fresh` is nobody's beginning.
async fn go_on_aside(
    copy: &Copy,
    line: &mut Line,
    job: &Job,
    fresh: Start,
) -> Result<Option<Start>, Error> {
    if let Some(left) = &job.left {
        let at = left.clone();
        let begun = Start { at, ..fresh };
        if let Some(kept) = kept(line, job, &begun.at, job.has_begun).await? {
            let offset = kept.bytes;
            let goes_on = kept.is_beginning_of(line, job).await?;
            let start = if goes_on {
                Start { offset, ..begun }
            } else {
                fresh
            };
            return Ok(Some(start));
        }
    }
    if !copy.options.resume {
        return Ok(Some(fresh));
    }
    // Perhaps the work of somebody who did not set it aside.
    let own = Start::in_place(job);
    Ok(match kept(line, job, &own.at, false).await? {
        Some(kept) if Some(kept.bytes) == job.file.size => None,
        Some(kept) if kept.is_beginning_of(line, job).await? => {
            let offset = kept.bytes;
            Some(Start { offset, ..own })
        }
        _ => Some(fresh),
    })
}

/// Whether the source is another than it was when it was looked at, hours ago perhaps. What is told
/// at one of the two looks alone says nothing.
async fn has_changed(line: &mut Line, job: &mut Job) -> Result<bool, Error> {
    let Some(now) = look::at(line.source(), &job.from).await? else {
        return Ok(true);
    };
    let has_other_size = now.size.zip(job.file.size).is_some_and(|(a, b)| a != b);
    let has_other_time = now
        .modified
        .zip(job.file.modified)
        .is_some_and(|(a, b)| a.unix_seconds() != b.unix_seconds());
    job.file.size = now.size.or(job.file.size);
    job.file.modified = now.modified.or(job.file.modified);
    Ok(has_other_size || has_other_time)
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
    async fn is_beginning_of(&self, line: &mut Line, job: &Job) -> Result<bool, Error> {
        let fits = job.file.size.is_some_and(|size| self.bytes <= size);
        if !fits || job.failed_at == Some(self.bytes) {
            return Ok(false);
        }
        let Some(last) = self.modified else {
            return Ok(true);
        };
        let changed = match (job.file.modified, &job.from, line.source()) {
            // Not every listing tells it.
            (None, Location::Remote(Some(from)), Some(conn)) => conn.modified(from).await?,
            (told, ..) => told,
        };
        Ok(changed.is_none_or(|changed| last.unix_seconds() >= changed.unix_seconds()))
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
