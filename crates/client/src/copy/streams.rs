//! One large file over several pairs of connections at once, each a part of it: `--streams`.
//!
//! Nothing appears at the destination before all parts are there and are what the source has.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use thirdhost_wire::{ByteRange, Command, PartsKey, Pathname};
use tokio::sync::OwnedSemaphorePermit;

use super::plan::Job;
use super::worker::{Line, is_stop};
use super::{Copy, Happened, Moved};
use crate::limits::STREAMS_MAX;
use crate::third_party::parts;
use crate::{ControlConn, Error, Interrupt, Pair, Protected, Report, Stat};

/// What is copied where, and from which octet on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Files<'a> {
    pub(super) from: &'a Pathname,
    pub(super) to: &'a Pathname,
    pub(super) offset: u64,
}

/// Copies a file in parts; `None`, with a word why, if it has to go in one piece.
pub(super) async fn copy(
    copy: &Copy,
    pair: &mut Pair,
    job: &Job,
    files: Files<'_>,
) -> Result<Option<Moved>, Error> {
    let wanted = copy.options.streams;
    let least = copy.environment.limits.stream_bytes;
    let size = job.file.size.unwrap_or(0);
    if ranges(size, least, wanted).len() < 2 {
        return Ok(None);
    }
    let reason = match files.offset {
        0 => pair.reason_for_one_piece(),
        _ => Some("it is gone on with".to_owned()),
    };
    if let Some(reason) = reason {
        one_piece(copy, job, &reason);
        return Ok(None);
    }
    pair.source().check_octets(files.from.as_str().as_bytes())?;
    pair.destination()
        .check_octets(files.to.as_str().as_bytes())?;
    let began = copy.environment.world.clock.now();
    let before = pair.source().stat(files.from).await?;
    let size = before.size.unwrap_or(size);
    // Held until the pairs are closed.
    let seats = Seats::take(copy, job, ranges(size, least, wanted).len());
    let mut others = others(copy, job, seats.streams()).await?;
    let ranges = ranges(size, least, others.len() + 1);
    let result = match ranges.len() {
        0 | 1 => Ok(None),
        _ => {
            let stop = pair.source().environment.interrupt.clone();
            let parts = Parts {
                copy,
                job,
                files,
                ranges,
                stop,
            };
            parts.copy(pair, &mut others, (&before, size)).await
        }
    };
    let lines = others.into_iter().map(|pair| Line::Between(Box::new(pair)));
    join_all(lines.map(Line::quit)).await;
    drop(seats);
    let elapsed = copy.environment.world.clock.now().saturating_sub(began);
    Ok(result?.map(|moved| Moved { elapsed, ..moved }))
}

/// The right to open more pairs: all files together open so many, whatever `-j` says.
struct Seats(Vec<OwnedSemaphorePermit>);

impl Seats {
    /// For `count` streams in all, or for as many as are left.
    fn take(copy: &Copy, job: &Job, count: usize) -> Self {
        let free = &copy.environment.stream_pairs;
        let seat = |_| Arc::clone(free).try_acquire_owned().ok();
        let seats = Self((1..count).map_while(seat).collect());
        if seats.streams() < count {
            let (name, streams) = (&job.name, seats.streams());
            let note = format!(
                "{name}: {streams} of {count} streams, the other files have the connections"
            );
            copy.watcher.happened(&Happened::Note(&note));
        }
        seats
    }

    /// How many streams that makes with the pair that is there.
    fn streams(&self) -> usize {
        self.0.len() + 1
    }
}

/// As many more pairs as the servers let in, for `count` streams in all.
async fn others(copy: &Copy, job: &Job, count: usize) -> Result<Vec<Pair>, Error> {
    let opening = (1..count).map(|_| Box::pin(Line::open(copy)));
    let (mut pairs, mut refused) = (Vec::new(), None);
    for opened in join_all(opening).await {
        match opened {
            Ok(Line::Between(pair)) => pairs.push(*pair),
            Ok(Line::Fetch(_) | Line::Store(_)) => {}
            Err(error) if is_stop(&error) => return Err(error),
            Err(error) => refused = Some(error),
        }
    }
    if let Some(error) = refused {
        let (name, streams) = (&job.name, pairs.len() + 1);
        let note = format!("{name}: {streams} of {count} streams, no more connections: {error}");
        copy.watcher.happened(&Happened::Note(&note));
    }
    Ok(pairs)
}

fn one_piece(copy: &Copy, job: &Job, reason: &str) {
    let note = format!("{}: one stream, because {reason}", job.name);
    copy.watcher.happened(&Happened::Note(&note));
}

/// All that is settled before the first byte moves.
struct Parts<'a> {
    copy: &'a Copy,
    job: &'a Job,
    files: Files<'a>,
    ranges: Vec<ByteRange>,
    /// What stops the whole file.
    stop: Interrupt,
}

impl Parts<'_> {
    async fn copy(
        &self,
        first: &mut Pair,
        others: &mut [Pair],
        (before, size): (&Stat, u64),
    ) -> Result<Option<Moved>, Error> {
        let key = match parts::open(first.destination(), self.files.to, size).await {
            Ok(key) => key,
            Err(Error::Refused { reply, .. }) if reply.code().is_permanent_negative() => {
                one_piece(
                    self.copy,
                    self.job,
                    &format!("the destination said \"{reply}\""),
                );
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        self.job.is_in_parts(Some(key));
        let moved = self.copy_opened(first, others, (before, size, key)).await;
        self.job.is_in_parts(None);
        if !matches!(moved, Ok(Some(_))) {
            parts::give_up(first.destination()).await;
        }
        moved
    }

    async fn copy_opened(
        &self,
        first: &mut Pair,
        others: &mut [Pair],
        (before, size, key): (&Stat, u64, PartsKey),
    ) -> Result<Option<Moved>, Error> {
        let joining = others
            .iter_mut()
            .map(|pair| parts::join(pair.destination(), key));
        join_all(joining)
            .await
            .into_iter()
            .collect::<Result<(), Error>>()?;
        let mut pairs: Vec<&mut Pair> = Vec::new();
        pairs.push(&mut *first);
        pairs.extend(others);
        let reports = match first_error(self.race(pairs).await) {
            Ok(reports) => reports,
            Err(error @ Error::ThirdPartyRefused { .. }) => {
                one_piece(self.copy, self.job, &error.to_string());
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        // It grows no more.
        self.job.is_in_parts(None);
        let Files { from, to, .. } = self.files;
        let after = first.source().stat(from).await?;
        // Who brings another file there meanwhile has not put it in place.
        let Stat {
            partial,
            partial_modified,
            ..
        } = *before;
        let after = Stat {
            partial,
            partial_modified,
            ..after
        };
        if *before != after {
            let server = first.source().name().to_owned();
            let what = "size or time";
            return Err(Error::PartsDiffer { server, what });
        }
        let (is_compared, hash) = first.close_parts(from, to, size).await?;
        let moved = reports.first().map(|report| Moved {
            bytes: Some(size),
            // Of fewer parts than pairs, some of those had none.
            streams: reports.len(),
            protection: Some(weakest(&reports)),
            verified: hash.or(is_compared.then_some("size")),
            ..Moved::from(report)
        });
        Ok(moved)
    }

    /// Moves all parts at once. The first that fails stops the others.
    async fn race(&self, pairs: Vec<&mut Pair>) -> Vec<Result<Report, Error>> {
        let parts = pairs.len().min(self.ranges.len());
        let (race, left) = (self.stop.child(), AtomicUsize::new(parts));
        let all_done = Interrupt::default();
        let (race, left, all_done) = (&race, &left, &all_done);
        let runs = pairs.into_iter().zip(&self.ranges).map(|(pair, range)| {
            Box::pin(async move {
                let before = heed(pair, race);
                let Files { from, to, .. } = self.files;
                let mut moved = pair.part(from, to, *range).await;
                if moved.is_err() {
                    race.trip();
                }
                if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                    all_done.trip();
                }
                if moved.is_ok()
                    && let Err(error) = stay(pair, (all_done, race)).await
                {
                    race.trip();
                    moved = Err(error);
                }
                heed(pair, &before);
                moved
            })
        });
        join_all(runs).await
    }
}

/// Has a pair stop with `interrupt`; what it heeded before.
fn heed(pair: &mut Pair, interrupt: &Interrupt) -> Interrupt {
    let before = pair.source().environment.interrupt.clone();
    for conn in both(pair) {
        conn.environment.interrupt = interrupt.clone();
    }
    before
}

/// Says something from time to time until all parts are there: a session that is silent for too
/// long is ended, and with the first one the file.
async fn stay(pair: &mut Pair, (all_done, race): (&Interrupt, &Interrupt)) -> Result<(), Error> {
    let clock = pair.source().environment.world.clock.clone();
    let pause: Duration = pair.source().environment.limits.keep_alive;
    loop {
        tokio::select! {
            biased;
            () = all_done.tripped() => return Ok(()),
            () = race.tripped() => return Ok(()),
            () = clock.sleep(pause) => {}
        }
        for conn in both(pair) {
            conn.command(Command::Noop).await?;
        }
    }
}

fn both(pair: &mut Pair) -> [&mut ControlConn; 2] {
    let (source, destination) = pair.both();
    [source, destination]
}

/// All reports, or what went wrong first: not that the others were stopped because of it.
fn first_error(results: Vec<Result<Report, Error>>) -> Result<Vec<Report>, Error> {
    let (mut reports, mut failed): (Vec<Report>, Option<Error>) = (Vec::new(), None);
    for result in results {
        match result {
            Ok(report) => reports.push(report),
            Err(error) if failed.as_ref().is_none_or(is_stop) => failed = Some(error),
            Err(_) => {}
        }
    }
    failed.map_or(Ok(reports), Err)
}

/// How the worst of several connections was protected.
fn weakest(reports: &[Report]) -> Protected {
    let is = |wanted| reports.iter().any(|report| report.protection == wanted);
    [Protected::No, Protected::Unchecked]
        .into_iter()
        .find(|protection| is(*protection))
        .unwrap_or(Protected::Mutually)
}

/// The parts of a file of `size` bytes, one behind the other, for at most `streams`: as equal as
/// whole blocks make them, and none much shorter than `least`.
fn ranges(size: u64, least: u64, streams: usize) -> Vec<ByteRange> {
    let streams = u64::try_from(streams.clamp(1, STREAMS_MAX)).unwrap_or(1);
    let count = (size / least.max(1)).clamp(1, streams);
    let length = size.div_ceil(count).next_multiple_of(BLOCK_BYTES);
    let part = |number: u64| {
        let first = number.saturating_mul(length);
        let end = first.saturating_add(length).min(size);
        ByteRange::new(first, end.checked_sub(1)?)
    };
    (0..count).filter_map(part).collect()
}

/// No two streams write into one page of the file, whatever the size of a page is.
const BLOCK_BYTES: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// Around every size at which something changes, for every number of streams.
    #[test]
    fn parts_are_the_whole_file_once_in_order_and_none_is_short() {
        let around = |size: u64| size.saturating_sub(1)..=size.saturating_add(1);
        let sizes = (0..40)
            .map(|n| n * MIB)
            .chain((0..40).map(|n| n * BLOCK_BYTES))
            .chain([1 << 40, 1 << 62]);
        for size in sizes.flat_map(around) {
            for streams in 0..=STREAMS_MAX + 1 {
                let parts = ranges(size, MIB, streams);
                let told = format!("{size} over {streams}: {parts:?}");
                assert!(parts.len() <= streams.clamp(1, STREAMS_MAX), "{told}");
                let mut next = 0;
                for part in &parts {
                    assert_eq!(part.first(), next, "{told}");
                    assert_eq!(next % BLOCK_BYTES, 0, "{told}");
                    next = part.end();
                }
                assert_eq!(next, size, "{told}");
                if parts.len() > 1 {
                    let lengths = parts.iter().map(|part| part.end() - part.first());
                    let (longest, shortest) = (lengths.clone().max(), lengths.min());
                    let (longest, shortest) = (longest.unwrap(), shortest.unwrap());
                    let slack = BLOCK_BYTES * parts.len() as u64;
                    assert!(longest - shortest <= slack, "{told}");
                    assert!(shortest + slack >= MIB, "{told}");
                }
            }
        }
    }

    #[test]
    fn what_is_small_or_for_one_stream_stays_in_one_piece() {
        for (size, streams, count) in [
            (0, 4, 0),
            (1, 4, 1),
            (2 * MIB - 1, 4, 1),
            (2 * MIB, 4, 2),
            (3 * MIB, 4, 3),
            (100 * MIB, 4, 4),
            (100 * MIB, 1, 1),
            (100 * MIB, 1000, 16),
        ] {
            assert_eq!(
                ranges(size, MIB, streams).len(),
                count,
                "{size} over {streams}"
            );
        }
    }

    #[test]
    fn what_failed_first_counts_and_not_who_was_stopped_for_it() {
        let stopped = || {
            Err(Error::Stopped {
                server: "a".to_owned(),
                step: "RETR",
            })
        };
        let changed = || {
            Err(Error::PartsDiffer {
                server: "a".to_owned(),
                what: "time",
            })
        };
        let is_stopped = |results| is_stop(&first_error(results).unwrap_err());
        assert!(!is_stopped(vec![stopped(), changed(), stopped()]));
        assert!(!is_stopped(vec![changed(), stopped()]));
        assert!(is_stopped(vec![stopped(), stopped()]));
        assert_eq!(first_error(Vec::new()).unwrap(), []);
    }
}
