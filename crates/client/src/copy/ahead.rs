//! Many files between two servers: what of the queue goes without waiting for each.

use super::one::Outcome;
use super::plan::{self, Job};
use super::walk::Kind;
use super::worker::{Line, Queue, is_stop, may_pass};
use super::{Copy, Existing, Happened, Location, Moved, Options, upload};
use crate::chain;
use crate::pipeline::{self, Ended, Feed, Item};
use crate::{ControlConn, ExitCode};

/// The files a pipeline takes first, as long as it is known which: of several workers any may
/// come first.
pub(super) fn first_items(copy: &Copy, jobs: &[Job], destination: &ControlConn) -> Vec<Item> {
    let Options {
        existing,
        moves,
        jobs: workers,
        ..
    } = copy.options;
    let is_plain = existing != Existing::SameHash && !moves && workers == 1;
    if !is_plain || !upload::keeps_partials(destination) {
        return Vec::new();
    }
    let wanted = jobs
        .iter()
        .filter(|job| plan::reason_to_skip(&copy.options, job).is_none());
    wanted.filter_map(|job| item(copy, false, job)).collect()
}

impl Queue {
    /// Copies as many files as a pipeline or a chain takes; those that it does not take, or that
    /// were under way when it broke, are in the queue afterwards, to be copied one by one.
    pub(super) async fn ahead(&self, copy: &Copy, line: Option<Line>) -> Option<Line> {
        let mut line = self.as_many(copy, line).await?;
        // What was announced for a pipeline and did not become one.
        line.withdraw().await.ok().map(|()| line)
    }

    /// Copies the others as the last one was copied, if that is a way for many.
    pub(super) async fn likewise(&self, copy: &Copy, mut line: Option<Line>) -> Option<Line> {
        match line.as_mut().and_then(|line| self.way(copy, line)) {
            Some(Way::Chain { .. }) => self.ahead(copy, line).await,
            _ => line,
        }
    }

    async fn as_many(&self, copy: &Copy, mut line: Option<Line>) -> Option<Line> {
        for _ in 0..PIPELINES_MAX {
            let is_few =
                self.with_jobs(|jobs| jobs.iter().filter(|job| !job.alone).count()) < FILES_MIN;
            if is_few || self.in_a_row.verdict(copy.options.jobs).is_some() {
                return line;
            }
            let mut open = match line.take() {
                Some(open) => open,
                // What is wrong, the usual way tells.
                None => Line::open(copy).await.ok()?,
            };
            let Some(way) = self.way(copy, &mut open) else {
                return Some(open);
            };
            let Line::Between(pair) = &mut open else {
                return Some(open);
            };
            let mut waiting = Waiting {
                queue: self,
                copy,
                names_aside: way == Way::Chain { aside: true },
                aside: Vec::new(),
                begun: 0,
                moved: 0,
            };
            let ended = match way {
                Way::Pipeline => pipeline::run(pair, &mut waiting).await,
                Way::Chain { .. } => {
                    Box::pin(chain::run(pair, &mut waiting, copy.options.resume)).await
                }
            };
            let Waiting {
                aside,
                begun,
                moved,
                ..
            } = waiting;
            if moved == 0 && way != Way::Pipeline {
                self.chain_no_more();
            }
            self.with_jobs(|jobs| jobs.extend(aside));
            match ended {
                Ok(true) => return Some(open),
                Ok(false) => {
                    // What ends a chain is one file.
                    if begun > 0 && way == Way::Pipeline {
                        self.in_a_row.broke(BROKEN.to_owned());
                    }
                    line = Some(open);
                }
                Err(error) if is_stop(&error) => {
                    self.with_summary(|summary| summary.stopped = true);
                    return None;
                }
                Err(error) => {
                    self.in_a_row.all_failed(&error);
                    let note = format!("{error}; what was under way is copied anew");
                    copy.watcher.happened(&Happened::Note(&note));
                }
            }
            if moved == 0 {
                return line;
            }
        }
        line
    }

    /// How files go where each arrives whole or not at all, and nothing has to be looked at
    /// before.
    fn way(&self, copy: &Copy, line: &mut Line) -> Option<Way> {
        if copy.options.existing == Existing::SameHash || copy.options.moves {
            return None;
        }
        let pair = line.pair()?;
        // As the file before went; how the two meet, the first finds out.
        let may_chain = self.may_chain() && pair.for_chain().is_some();
        let (source, destination) = pair.both();
        let is_whole = upload::keeps_partials(destination);
        let both_have = pipeline::depth(source).is_some() && pipeline::depth(destination).is_some();
        match may_chain {
            true if is_whole || upload::may_rename(copy) => Some(Way::Chain { aside: !is_whole }),
            _ if is_whole && both_have => Some(Way::Pipeline),
            _ => None,
        }
    }
}

/// How many files go without waiting for each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    /// Over one arrangement.
    Pipeline,
    /// One behind the other, under another name until they are whole or not.
    Chain { aside: bool },
}

/// The queue, as a pipeline sees it.
struct Waiting<'a> {
    queue: &'a Queue,
    copy: &'a Copy,
    names_aside: bool,
    /// What is to be copied alone.
    aside: Vec<Job>,
    begun: usize,
    /// How many files arrived.
    moved: usize,
}

/// A file as a pipeline or a chain takes it, if they do.
fn item(copy: &Copy, names_aside: bool, job: &Job) -> Option<Item> {
    let (Location::Remote(Some(from)), Location::Remote(Some(to))) = (&job.from, &job.to) else {
        return None;
    };
    // What is there may be the beginning of this file.
    let goes_on = copy.options.resume && (job.there.is_some() || job.left.is_some());
    let is_plain = !job.alone && job.failures == 0 && job.file.kind == Kind::File && !goes_on;
    let size = job.file.size.filter(|size| *size <= FILE_BYTES_MAX)?;
    let aside = match names_aside {
        true => Some(upload::aside_of(copy, to)?),
        false => None,
    };
    is_plain.then(|| Item {
        from: from.clone(),
        to: to.clone(),
        aside,
        size: Some(size),
        modified: job.file.modified,
    })
}

impl Feed for Waiting<'_> {
    type Job = Job;

    fn next(&mut self) -> Option<(Job, Item)> {
        let Self { queue, copy, .. } = *self;
        while !copy.environment.interrupt.is_tripped() {
            let mut job = queue.with_jobs(std::collections::VecDeque::pop_front)?;
            if let Some(reason) = plan::reason_to_skip(&copy.options, &job) {
                queue.done(copy, &job, &Outcome::Skipped(reason));
            } else if let Some(item) = item(copy, self.names_aside, &job) {
                self.begun += 1;
                job.left = item
                    .aside
                    .clone()
                    .map(|aside| Location::Remote(Some(aside)));
                copy.watcher.happened(&Happened::Started {
                    name: &job.name,
                    bytes: job.file.size,
                    offset: 0,
                });
                return Some((job, item));
            } else {
                job.alone = true;
                self.aside.push(job);
            }
        }
        None
    }

    fn ended(&mut self, mut job: Job, ended: Ended) {
        job.alone = true;
        match ended {
            Ended::Done(report) => {
                self.moved += 1;
                let moved = Outcome::Moved(Moved::from(&report));
                self.queue.done(self.copy, &job, &moved);
            }
            Ended::Unfinished => self.aside.push(job),
            Ended::Failed(error) if may_pass(&error) && self.copy.options.retries > 0 => {
                job.failures += 1;
                self.aside.push(job);
            }
            // Which of the two it is that 550 means, the usual way asks.
            Ended::Failed(error) if error.exit_code() == ExitCode::FileNotFound => {
                self.aside.push(job);
            }
            Ended::Failed(error) => self.queue.failed(self.copy, job.name, &error),
        }
    }
}

const BROKEN: &str = "the servers lost the connection between them";

/// How often a pipeline is begun anew after it broke.
const PIPELINES_MAX: usize = 3;

/// One file alone is not worth the setting up.
pub(super) const FILES_MIN: usize = 2;

/// Larger files are watched while they move, one at a time; what they cost is not round trips.
pub(super) const FILE_BYTES_MAX: u64 = 16 << 20;
