//! One file: whether it is needed, where it goes on, its bytes, its proof and its time.

use thirdhost_proto::third_party::{Cause, Operation, Step};
use thirdhost_wire::{Command, Pathname, RestartPoint};

use super::plan::{self, Job};
use super::progress::{self, Scout};
use super::start::{self, Start};
use super::worker::{Line, is_stop};
use super::{Copy, Existing, Happened, Location, Moved, Way, local, look, settle, streams, upload};
use crate::control::hash;
use crate::{Error, ExitCode, Pair, Report};

/// What became of a file.
pub(super) enum Outcome {
    Moved(Moved),
    Skipped(&'static str),
}

/// Copies a file. After a failure `job.left` tells what is there half done.
pub(super) async fn copy(
    copy: &Copy,
    scout: &Scout,
    line: &mut Line,
    job: &mut Job,
) -> Result<Outcome, Error> {
    if let Some(reason) = plan::reason_to_skip(&copy.options, job) {
        return Ok(Outcome::Skipped(reason));
    }
    if let Some(conn) = line.destination() {
        settle::put_back(copy, conn, job).await?;
    }
    if copy.options.existing == Existing::SameHash && has_same_hash(copy, line, job).await? {
        return Ok(Outcome::Skipped("size and hash are the same"));
    }
    if copy.options.moves {
        upload::check_two_servers(line)?;
        upload::check_two_files(line, job).await?;
    }
    let Some(mut start) = start::begin(copy, line, job).await? else {
        return Ok(Outcome::Skipped("the size is the same"));
    };
    let (mut refused_names, mut was_gone) = (false, false);
    loop {
        copy.watcher.happened(&Happened::Started {
            name: &job.name,
            bytes: job.file.size,
            offset: start.offset,
        });
        let was_aside = start.is_aside;
        let result = attempt(copy, scout, line, job, &start).await;
        job.failed_at = Some(start.offset);
        match result {
            Ok(moved) => {
                job.left = None;
                if let Some(site) = copy.to.as_ref().filter(|_| refused_names) {
                    site.rename_nothing();
                }
                if copy.options.moves {
                    upload::remove_source(line, job, &moved).await?;
                }
                return Ok(Outcome::Moved(moved));
            }
            Err(error) => {
                let at = (start, &mut was_gone);
                let (next, why) = match otherwise(copy, line, job, at, &error).await? {
                    Some(otherwise) => otherwise,
                    None => return Err(error),
                };
                let note = format!("{}: {why} ({error})", job.name);
                copy.watcher.happened(&Happened::Note(&note));
                refused_names |= was_aside && !next.is_aside;
                start = next;
            }
        }
    }
}

/// Another way for the same file, where the failure says that this one is the trouble.
async fn otherwise(
    copy: &Copy,
    line: &mut Line,
    job: &mut Job,
    (start, was_gone): (Start, &mut bool),
    error: &Error,
) -> Result<Option<(Start, &'static str)>, Error> {
    if is_stop(error) || !line.is_usable() {
        return Ok(None);
    }
    if start.offset > 0 && cannot_go_on(error) {
        // Also where its own name was gone on with: that is not cut for what may fail again.
        upload::discard(line, job, None).await;
        job.begins_anew = true;
        let start = Start::new(copy, line, job);
        for conn in line.both().into_iter().flatten() {
            // The server that did not refuse REST still has its number (RFC 3659 section 5.3).
            let begin = Command::Rest(RestartPoint::Offset(0));
            if conn.command(begin).await.is_err() {
                return Ok(None);
            }
        }
        return Ok(Some((
            start,
            "it cannot be gone on with, so it begins anew",
        )));
    }
    if !start.is_aside || !upload::refuses_names(error) {
        return Ok(None);
    }
    let is_gone = upload::is_gone(line, &start.at, error).await;
    upload::discard(line, job, None).await;
    Ok(Some(match is_gone {
        true if *was_gone && job.was_whole => {
            return Err(Error::TakenAway {
                server: line.destination().map_or("", |conn| conn.name()).to_owned(),
                set_aside: start.at.to_string(),
            });
        }
        true if !*was_gone => {
            *was_gone = true;
            let start = Start::new(copy, line, job);
            (start, "what was set aside is gone, so it begins anew")
        }
        // Where nothing was to be seen of it before, the server may show and rename nothing.
        _ => {
            let start = Start::in_place(job);
            (start, "the server wants it under its own name at once")
        }
    }))
}

async fn attempt(
    copy: &Copy,
    scout: &Scout,
    line: &mut Line,
    job: &mut Job,
    start: &Start,
) -> Result<Moved, Error> {
    if let Some(conn) = line.destination() {
        conn.has_stored = false;
        let is_in_place = !start.is_aside && !upload::keeps_partials(conn);
        if let (true, None, Location::Remote(Some(to))) = (is_in_place, job.was, &job.to) {
            job.was = Some(look::length(conn, to).await?);
        }
    }
    let result = async {
        let moved = followed(copy, scout, line, job, start).await?;
        if let (true, Location::Remote(Some(aside)), Location::Remote(Some(to)), Some(conn)) = (
            start.is_aside,
            &start.at,
            job.to.clone(),
            line.destination(),
        ) {
            job.was_whole = moved.verified.is_some();
            settle::settle(copy, conn, job, aside, &to).await?;
            if let (Some(bytes), Some(_)) = (moved.bytes, moved.verified) {
                upload::check_settled(conn, &to, start.offset.saturating_add(bytes)).await?;
            }
        }
        Ok(moved)
    }
    .await;
    if let Err(error) = &result {
        job.has_begun |= line.destination().is_none_or(|conn| conn.has_stored);
        // Nor is that forgotten which an attempt before has left.
        job.left = left(line, job, start, error).or(job.left.take());
    }
    result
}

/// The transfer, told on its way; what stalls is stopped.
async fn followed(
    copy: &Copy,
    scout: &Scout,
    line: &mut Line,
    job: &Job,
    start: &Start,
) -> Result<Moved, Error> {
    let stop = copy.environment.interrupt.child();
    let meter = scout.attach(copy, line, (job, start.offset), &stop);
    let result = tokio::select! {
        biased;
        result = transfer(copy, line, job, start) => result,
        never = scout.follow(copy, job, &start.at, (&meter, &stop)) => match never {},
    };
    progress::detach(copy, line);
    let is_stopped = matches!(&result, Err(error) if error.exit_code() == ExitCode::Stopped);
    if is_stopped && !copy.environment.interrupt.is_tripped() {
        let server = copy.to.as_ref().map_or("", |site| site.name()).to_owned();
        let after = copy.environment.limits.data_stall;
        return Err(Error::Stalled { server, after });
    }
    result
}

/// What may be there half done. Under its own name a file is only taken away again when the
/// person stops: a STOR that was refused has changed nothing.
fn left(line: &mut Line, job: &Job, start: &Start, error: &Error) -> Option<Location> {
    let is_stopped = is_stop(error);
    match (&job.to, line.destination()) {
        (Location::Local(_), _) => Some(job.to.clone()),
        (Location::Remote(_), Some(conn)) if conn.has_stored && !upload::keeps_partials(conn) => {
            (start.is_aside || is_stopped).then(|| start.at.clone())
        }
        _ => None,
    }
}

async fn transfer(copy: &Copy, line: &mut Line, job: &Job, start: &Start) -> Result<Moved, Error> {
    let offset = start.offset;
    let moved = match (line, &job.from, &start.at) {
        (Line::Between(pair), Location::Remote(Some(from)), Location::Remote(Some(to))) => {
            let files = streams::Files { from, to, offset };
            let moved = match Box::pin(streams::copy(copy, pair, job, files)).await? {
                Some(moved) => moved,
                None => between(pair, from, to, offset).await?,
            };
            if let Some(time) = job.file.modified {
                pair.destination().set_modified(to, time).await?;
            }
            moved
        }
        (Line::Fetch(conn), Location::Remote(Some(from)), Location::Local(_))
            if let Some(to) = &job.here =>
        {
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
    // Before anything is arranged: the pair stays good for the next file.
    pair.source().check_octets(from.as_str().as_bytes())?;
    pair.destination().check_octets(to.as_str().as_bytes())?;
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
            streams: 1,
            protection: report.arrangement.map(|_| report.protection),
            verified: report.hash.or(report.verified.then_some("size")),
        }
    }
}

/// What was there is no beginning of the file, or a server does not go on in the middle.
fn cannot_go_on(error: &Error) -> bool {
    match error {
        Error::Verification { .. } | Error::HashDiffers { .. } => true,
        Error::Refused { step: "REST", .. } => true,
        Error::Refused {
            step: "STOR" | "RETR",
            reply,
            ..
        } => reply.code().is_permanent_negative(),
        Error::ThirdParty { failure, .. } => match &failure.cause {
            Cause::Reply(_) if failure.step == Step::Restart => true,
            Cause::Reply(reply) => reply.code().is_permanent_negative(),
            _ => false,
        },
        _ => false,
    }
}

async fn has_same_hash(copy: &Copy, line: &mut Line, job: &Job) -> Result<bool, Error> {
    let there = job.there.as_ref().and_then(|there| there.size);
    if there.is_none() || there != job.file.size {
        return Ok(false);
    }
    match (line, &job.from, &job.to) {
        (Line::Between(pair), Location::Remote(Some(from)), Location::Remote(Some(to))) => {
            let (source, destination) = pair.both();
            let Some(algorithm) = hash::common(source, destination) else {
                return Ok(false);
            };
            let one = hash::of(source, algorithm, from).await?;
            let other = hash::of(destination, algorithm, to).await?;
            Ok(one.is_some() && one == other)
        }
        (Line::Fetch(conn), Location::Remote(Some(remote)), Location::Local(here))
        | (Line::Store(conn), Location::Local(here), Location::Remote(Some(remote))) => {
            let file = std::fs::File::open(here).map_err(|source| Error::Local {
                what: "read",
                path: here.clone(),
                source,
            })?;
            let same = local::is_same(copy, conn, remote, file).await?;
            Ok(same.is_some_and(|(is_same, _)| is_same))
        }
        _ => Ok(false),
    }
}
