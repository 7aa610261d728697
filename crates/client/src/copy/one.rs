//! One file: whether it is needed, where it goes on, its bytes, its proof and its time.

use thirdhost_proto::third_party::Operation;
use thirdhost_wire::Pathname;

use super::plan::{self, Job};
use super::worker::Line;
use super::{Copy, Existing, Happened, Location, Moved, Way, local};
use crate::control::hash;
use crate::{ControlConn, Error, Pair, Report};

/// What became of a file.
pub(super) enum Outcome {
    Moved(Moved),
    Skipped(&'static str),
}

pub(super) async fn copy(copy: &Copy, line: &mut Line, job: &Job) -> Result<Outcome, Error> {
    if let Some(reason) = plan::reason_to_skip(&copy.options, job) {
        return Ok(Outcome::Skipped(reason));
    }
    if copy.options.existing == Existing::SameHash && has_same_hash(line, job).await? {
        return Ok(Outcome::Skipped("size and hash are the same"));
    }
    let offset = if copy.options.resume {
        offset(line, job).await?
    } else {
        0
    };
    copy.watcher.happened(&Happened::Started {
        name: &job.name,
        bytes: job.file.size,
        offset,
    });
    if let Some(conn) = line.destination() {
        conn.has_stored = false;
    }
    let moved = transfer(copy, line, job, offset).await;
    if moved.is_err() && !copy.options.resume && copy.environment.interrupt.is_tripped() {
        clear(line, job).await;
    }
    moved.map(Outcome::Moved)
}

async fn transfer(copy: &Copy, line: &mut Line, job: &Job, offset: u64) -> Result<Moved, Error> {
    let moved = match (line, &job.from, &job.to) {
        (Line::Between(pair), Location::Remote(Some(from)), Location::Remote(Some(to))) => {
            let moved = between(pair, from, to, offset).await?;
            if let Some(time) = job.file.modified {
                pair.destination().set_modified(to, time).await?;
            }
            moved
        }
        (Line::Fetch(conn), Location::Remote(Some(from)), Location::Local(to)) => {
            local::fetch(copy, conn, (from, to), offset, job.file.modified).await?
        }
        (Line::Store(conn), Location::Local(from), Location::Remote(Some(to))) => {
            let moved = local::store(copy, conn, (from, to), offset).await?;
            if let Some(time) = job.file.modified {
                conn.set_modified(to, time).await?;
            }
            moved
        }
        _ => {
            return Err(Error::Local {
                what: "copy",
                path: job.name.clone().into(),
                source: std::io::ErrorKind::InvalidInput.into(),
            });
        }
    };
    Ok(moved)
}

async fn between(
    pair: &mut Pair,
    from: &Pathname,
    to: &Pathname,
    offset: u64,
) -> Result<Moved, Error> {
    let report = if offset == 0 {
        pair.transfer(Operation::Copy, from, to).await?
    } else {
        pair.resume(from, to, offset).await?
    };
    Ok(Moved::from(&report))
}

impl From<&Report> for Moved {
    fn from(report: &Report) -> Self {
        Self {
            bytes: report.bytes,
            offset: report.offset,
            elapsed: report.elapsed,
            way: match (report.arrangement, report.listener) {
                (Some(arrangement), Some(listener)) => Way::Direct {
                    arrangement,
                    listener,
                },
                _ => Way::Relayed,
            },
            verified: report.hash.or(report.verified.then_some("size")),
        }
    }
}

/// Where an interrupted file is gone on with (spec F-5, RFC 3659 section 5).
///
/// Our server tells what it kept (`X.partial`); of any other the length of what is there counts.
/// More than the source has cannot be a beginning of it.
async fn offset(line: &mut Line, job: &Job) -> Result<u64, Error> {
    let can = |conn: Option<&mut ControlConn>| conn.is_none_or(|conn| conn.features().has("REST"));
    let Some(size) = job.file.size else {
        return Ok(0);
    };
    if !can(line.source()) || !can(line.destination()) {
        return Ok(0);
    }
    let there = match (&job.to, line.destination()) {
        (Location::Local(path), _) => local::kept(path),
        (Location::Remote(Some(path)), Some(conn)) if keeps_partials(conn) => {
            match conn.stat(path).await {
                Ok(stat) => stat.partial.unwrap_or(0),
                Err(Error::Refused { .. }) => 0,
                Err(error) => return Err(error),
            }
        }
        (Location::Remote(Some(path)), Some(conn)) => conn.size(path).await?.unwrap_or(0),
        _ => 0,
    };
    Ok(if there <= size { there } else { 0 })
}

/// A file appears under its name when it is whole, and what was interrupted is kept aside (D10).
fn keeps_partials(conn: &ControlConn) -> bool {
    conn.features().has_parameter("MLST", "X.partial")
}

/// After a stop: half a file under the name of the whole would pass for it.
async fn clear(line: &mut Line, job: &Job) {
    let Location::Remote(Some(path)) = &job.to else {
        return;
    };
    if let Some(conn) = line.destination()
        && conn.has_stored
        && conn.is_usable()
        && !keeps_partials(conn)
    {
        conn.remove_at_the_end(path).await;
    }
}

async fn has_same_hash(line: &mut Line, job: &Job) -> Result<bool, Error> {
    let (Location::Remote(Some(from)), Location::Remote(Some(to))) = (&job.from, &job.to) else {
        return Ok(false);
    };
    let there = job.there.as_ref().and_then(|there| there.size);
    let Line::Between(pair) = line else {
        return Ok(false);
    };
    if there.is_none() || there != job.file.size {
        return Ok(false);
    }
    let (source, destination) = pair.both();
    let Some(algorithm) = hash::common(source, destination) else {
        return Ok(false);
    };
    let one = hash::of(source, algorithm, from).await?;
    let other = hash::of(destination, algorithm, to).await?;
    Ok(one.is_some() && one == other)
}
