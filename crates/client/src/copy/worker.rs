//! Several files at once, each over its own control connections; again after what may pass.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::in_a_row::InARow;
use super::one::{self, Outcome};
use super::others::{self, Others};
use super::plan::{self, Job};
use super::progress::Scout;
use super::{Copy, Failed, Happened, Options, Summary, missing, settle, upload};
use crate::error::displaced;
use crate::{ControlConn, Error, ExitCode, Pair, pipeline};

/// The control connections that one file at a time needs.
pub(super) enum Line {
    Between(Box<Pair>),
    Fetch(Box<ControlConn>),
    Store(Box<ControlConn>),
}

/// What is to be done and what was.
pub(super) struct Queue {
    jobs: Mutex<VecDeque<Job>>,
    summary: Mutex<Summary>,
    scout: Scout,
    /// A chain of files did not move one.
    chains_nothing: AtomicBool,
    /// Whether it is worth going on.
    pub(super) in_a_row: InARow,
}

impl Line {
    pub(super) async fn open(copy: &Copy) -> Result<Self, Error> {
        let mut line = Self::begin(copy).await?;
        line.confirm().await?;
        Ok(line)
    }

    /// The same, but the servers may still owe their word to the login; the next reply tells.
    pub(super) async fn begin(copy: &Copy) -> Result<Self, Error> {
        Ok(match (&copy.from, &copy.to) {
            (Some(from), Some(to)) => {
                let (source, destination) = tokio::try_join!(from.begin(), to.begin())?;
                let policy = copy.options.policy.clone();
                let pair = Pair::new(source, destination, policy);
                Self::Between(Box::new(pair.among(copy.options.jobs)))
            }
            (Some(from), None) => Self::Fetch(Box::new(from.begin().await?)),
            (None, Some(to)) => Self::Store(Box::new(to.begin().await?)),
            (None, None) => {
                return Err(Error::Local {
                    what: "copy without a server",
                    path: ".".into(),
                    source: std::io::ErrorKind::InvalidInput.into(),
                });
            }
        })
    }

    /// Waits for what the servers owe to the login.
    pub(super) async fn confirm(&mut self) -> Result<(), Error> {
        for conn in self.both().into_iter().flatten() {
            conn.confirm().await?;
        }
        Ok(())
    }

    /// The two servers, if there are two.
    pub(super) fn pair(&mut self) -> Option<&mut Pair> {
        match self {
            Self::Between(pair) => Some(pair),
            Self::Fetch(_) | Self::Store(_) => None,
        }
    }

    /// What was announced and is not to be done: back to the usual dialogue.
    pub(super) async fn withdraw(&mut self) -> Result<(), Error> {
        for conn in self.both().into_iter().flatten() {
            pipeline::withdraw_listing(conn).await?;
            pipeline::withdraw_arrangement(conn).await?;
        }
        Ok(())
    }

    pub(super) fn source(&mut self) -> Option<&mut ControlConn> {
        match self {
            Self::Between(pair) => Some(pair.source()),
            Self::Fetch(conn) => Some(conn),
            Self::Store(_) => None,
        }
    }

    pub(super) fn destination(&mut self) -> Option<&mut ControlConn> {
        match self {
            Self::Between(pair) => Some(pair.destination()),
            Self::Fetch(_) => None,
            Self::Store(conn) => Some(conn),
        }
    }

    /// Source and destination, those that are servers.
    pub(super) fn both(&mut self) -> [Option<&mut ControlConn>; 2] {
        match self {
            Self::Between(pair) => {
                let (source, destination) = pair.both();
                [Some(source), Some(destination)]
            }
            Self::Fetch(conn) => [Some(conn), None],
            Self::Store(conn) => [None, Some(conn)],
        }
    }

    pub(super) fn is_usable(&mut self) -> bool {
        self.source().is_none_or(|conn| conn.is_usable())
            && self.destination().is_none_or(|conn| conn.is_usable())
    }

    pub(super) async fn quit(self) {
        match self {
            Self::Between(pair) => {
                let (source, destination) = pair.into_parts();
                tokio::join!(source.part(), destination.part());
            }
            Self::Fetch(conn) | Self::Store(conn) => conn.part().await,
        }
    }
}

impl Queue {
    pub(super) fn new(jobs: Vec<Job>, summary: Summary, options: &Options) -> Self {
        Self {
            jobs: Mutex::new(jobs.into()),
            summary: Mutex::new(summary),
            scout: Scout::new(options),
            chains_nothing: AtomicBool::new(false),
            in_a_row: InARow::default(),
        }
    }

    /// Does all there is to do. `line` is used first and comes back if it still can be.
    pub(super) async fn run(
        self,
        copy: &Copy,
        line: Line,
        mut others: Others<'_>,
    ) -> (Summary, Option<Line>) {
        let mut line = Some(line);
        loop {
            let waiting = self.with_jobs(|jobs| jobs.len());
            let count = copy.options.jobs.clamp(1, WORKERS_MAX).min(waiting.max(1));
            let mut openings = others.take(count - 1).await.into_iter();
            let this = &self;
            let workers = (0..count).map(|number| {
                let (own, opening) = match number {
                    0 => (line.take(), None),
                    _ => (None, openings.next()),
                };
                Box::pin(async move {
                    let line = match opening {
                        Some(opening) => others::finished(opening).await,
                        None => own,
                    };
                    this.work(copy, number == 0, line).await
                })
            });
            let workers: Vec<_> = workers.collect();
            let mut ended = futures_util::future::join_all(workers).await.into_iter();
            line = ended.next().flatten();
            for surplus in ended.flatten() {
                surplus.quit().await;
            }
            // A worker that a site would not have any more gave its file back.
            let is_done = self.with_jobs(|jobs| jobs.is_empty());
            if is_done || self.with_summary(|summary| summary.stopped) {
                let mut jobs: Vec<Job> = self.with_jobs(std::mem::take).into();
                upload::clear_all(copy, line.as_mut(), &mut jobs).await;
                for job in jobs {
                    if let Some(old) = job.old {
                        let message = format!("stopped; {}", displaced(old.at.as_str()));
                        self.has_failed(copy, job.name, message, ExitCode::Stopped);
                    }
                }
                let summary = self.with_summary(std::mem::take);
                self.scout.quit().await;
                return (summary, line);
            }
        }
    }

    async fn work(&self, copy: &Copy, is_first: bool, line: Option<Line>) -> Option<Line> {
        let mut line = self.ahead(copy, line).await;
        while let Some(mut job) = self.with_jobs(VecDeque::pop_front) {
            if copy.environment.interrupt.is_tripped() {
                self.with_summary(|summary| summary.stopped = true);
                self.with_jobs(|jobs| jobs.push_front(job));
                break;
            }
            if let Some(reason) = self.in_a_row.verdict(copy.options.jobs) {
                self.not_tried(copy, line.as_mut(), job, &reason).await;
                continue;
            }
            let result = match line.take() {
                Some(mut open) => {
                    let result = one::copy(copy, &self.scout, &mut open, &mut job).await;
                    line = Some(open);
                    result
                }
                None => match Line::open(copy).await {
                    Ok(mut open) => {
                        let result = one::copy(copy, &self.scout, &mut open, &mut job).await;
                        line = Some(open);
                        result
                    }
                    Err(error) if !is_first && !is_stop(&error) => {
                        let note = format!("no more connections at once: {error}");
                        copy.watcher.happened(&Happened::Note(&note));
                        self.with_jobs(|jobs| jobs.push_front(job));
                        return None;
                    }
                    Err(error) => Err(error),
                },
            };
            if !line.as_mut().is_some_and(Line::is_usable) {
                line = None;
            }
            if let Err(error) = &result {
                self.in_a_row.failed(&job.name, error);
            }
            match result {
                Ok(outcome) => {
                    self.done(copy, &job, &outcome);
                    line = self.likewise(copy, line).await;
                }
                Err(error) if is_stop(&error) => {
                    self.stopped_at(copy, line.as_mut(), job, error).await;
                    break;
                }
                Err(Error::Closing { .. }) if !is_first => {
                    let note = "a server ended one of several sessions; fewer are used";
                    copy.watcher.happened(&Happened::Note(note));
                    self.with_jobs(|jobs| jobs.push_front(job));
                    return None;
                }
                Err(error) if job.failures < copy.options.retries && may_pass(&error) => {
                    job.failures += 1;
                    pause(copy, &job, &error).await;
                    self.with_jobs(|jobs| jobs.push_front(job));
                }
                Err(error) => self.given_up(copy, line.as_mut(), job, error).await,
            }
        }
        line
    }

    /// Whether files may go one behind the other.
    pub(super) fn may_chain(&self) -> bool {
        !self.chains_nothing.load(Ordering::Relaxed)
    }

    /// That was of no use.
    pub(super) fn chain_no_more(&self) {
        self.chains_nothing.store(true, Ordering::Relaxed);
    }

    pub(super) fn done(&self, copy: &Copy, job: &Job, outcome: &Outcome) {
        let name = job.name.as_str();
        match outcome {
            Outcome::Moved(moved) => {
                self.in_a_row.done();
                self.with_summary(|summary| summary.count(moved));
                copy.watcher.happened(&Happened::Done { name, moved });
            }
            Outcome::Skipped(reason) => {
                self.with_summary(|summary| summary.skipped += 1);
                copy.watcher.happened(&Happened::Skipped { name, reason });
            }
        }
    }

    pub(super) fn failed(&self, copy: &Copy, name: String, error: &Error) {
        self.has_failed(copy, name, error.to_string(), error.exit_code());
    }

    /// The person stopped while it was copied.
    async fn stopped_at(&self, copy: &Copy, line: Option<&mut Line>, mut job: Job, error: Error) {
        upload::clear(copy, line, &mut job).await;
        if job.old.is_some() {
            let error = settle::told(&job, error);
            self.failed(copy, job.name, &error);
        }
        self.with_summary(|summary| summary.stopped = true);
    }

    /// It failed, and is not tried again; told exactly, where the source can tell.
    async fn given_up(&self, copy: &Copy, mut line: Option<&mut Line>, mut job: Job, error: Error) {
        upload::clear(copy, line.as_deref_mut(), &mut job).await;
        let error = &settle::told(&job, error);
        if !missing::is_there(line, &job, error).await {
            return self.failed(copy, job.name, error);
        }
        let message =
            format!("{error}; it is there, and may not be one to do that to, or not for this user");
        self.has_failed(copy, job.name, message, ExitCode::Refused);
    }

    /// It is not worth it, but for a file that nothing has to be done for.
    async fn not_tried(&self, copy: &Copy, line: Option<&mut Line>, mut job: Job, why: &str) {
        if let Some(reason) = plan::reason_to_skip(&copy.options, &job) {
            return self.done(copy, &job, &Outcome::Skipped(reason));
        }
        upload::clear(copy, line, &mut job).await;
        let what = match job.failures {
            0 => "not tried",
            _ => "given up",
        };
        let kept = job
            .old
            .map(|old| format!("; {}", displaced(old.at.as_str())));
        let message = format!("{what}: {why}{}", kept.unwrap_or_default());
        self.has_failed(copy, job.name, message, ExitCode::Temporary);
    }

    fn has_failed(&self, copy: &Copy, name: String, message: String, code: ExitCode) {
        let failed = Failed {
            name,
            message,
            code,
        };
        copy.watcher.happened(&Happened::Failed(&failed));
        self.with_summary(|summary| summary.failures.push(failed));
    }

    pub(super) fn with_jobs<T>(&self, act: impl FnOnce(&mut VecDeque<Job>) -> T) -> T {
        act(&mut self
            .jobs
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    pub(super) fn with_summary<T>(&self, act: impl FnOnce(&mut Summary) -> T) -> T {
        act(&mut self
            .summary
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

/// 1 s, 2 s, 4 s … up to a minute, unless the person stops.
async fn pause(copy: &Copy, job: &Job, error: &Error) {
    let seconds = 1_u64
        .checked_shl(job.failures.saturating_sub(1))
        .unwrap_or(PAUSE_SECONDS_MAX);
    let after = Duration::from_secs(seconds.min(PAUSE_SECONDS_MAX));
    copy.watcher.happened(&Happened::Retrying {
        name: &job.name,
        reason: &error.to_string(),
        after,
    });
    tokio::select! {
        biased;
        () = copy.environment.world.clock.sleep(after) => {}
        () = copy.environment.interrupt.tripped() => {}
    }
}

/// 4yz, a lost connection, silence (spec U-12).
pub(super) fn may_pass(error: &Error) -> bool {
    error.exit_code() == ExitCode::Temporary
}

pub(super) fn is_stop(error: &Error) -> bool {
    error.exit_code() == ExitCode::Stopped
}

/// More would be unkind to any server.
pub(super) const WORKERS_MAX: usize = 64;

const PAUSE_SECONDS_MAX: u64 = 60;
