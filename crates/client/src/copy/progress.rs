//! How far files are while they move: counted where they pass this host, asked where they do not.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use thirdhost_sockets::Clock;
use thirdhost_wire::{PartsKey, Pathname};
use tokio::sync::Mutex;

use super::plan::Job;
use super::worker::Line;
use super::{Copy, Happened, Location, Options, Watcher, upload};
use crate::data::Pace;
use crate::third_party::parts;
use crate::{ControlConn, Error, Interrupt, Observer};

/// One more control connection to the destination, to ask how long the files are by now.
///
/// All files of a copy share it, and are asked about in turn: the more there are, the more seldom
/// each of them.
#[derive(Debug)]
pub(super) struct Scout {
    conn: Mutex<Asking>,
    asked_for: AtomicU64,
    /// `limit_rate`, for all files together.
    pace: Option<Arc<Pace>>,
}

#[derive(Debug, Default)]
struct Asking {
    conn: Option<ControlConn>,
    calls: u32,
}

impl Scout {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            conn: Mutex::default(),
            asked_for: AtomicU64::new(0),
            pace: options.limit_rate.map(|rate| Arc::new(Pace::new(rate))),
        }
    }

    /// Tells how far a file is, until the future is dropped. If it grew and stops growing for too
    /// long, `stop` is tripped. Asks nothing for the first moments, nor where it is not wanted.
    pub(super) async fn follow(
        &self,
        copy: &Copy,
        job: &Job,
        at: &Location,
        (meter, stop): (&Meter, &Interrupt),
    ) -> Infallible {
        if let (true, Location::Remote(Some(at)), Some(_)) = (copy.options.poll, at, &copy.from) {
            let _one_more = Counted::new(&self.asked_for);
            self.ask_again_and_again(copy, job, at, (meter, stop)).await;
        }
        // Only the end of the transfer ends this.
        std::future::pending().await
    }

    /// Until there is nothing more to ask.
    async fn ask_again_and_again(
        &self,
        copy: &Copy,
        job: &Job,
        at: &Pathname,
        (meter, stop): (&Meter, &Interrupt),
    ) {
        let clock = copy.environment.world.clock.clone();
        let limits = &copy.environment.limits;
        clock.sleep(limits.progress_patience).await;
        let (mut last, mut grew_at) = (None, None);
        while !meter.has_moved.load(Ordering::Relaxed) {
            let found = match self.ask(copy, at, job.in_parts()).await {
                Ok(found) => found,
                Err(Gone) => return,
            };
            let now = clock.now();
            if let Some(bytes) = found {
                let name = job.name.as_str();
                let total = job.file.size;
                if bytes > last.unwrap_or(0) {
                    grew_at = Some(now);
                }
                if last != found {
                    copy.watcher
                        .happened(&Happened::Progress { name, bytes, total });
                }
                last = found;
            } else {
                // Nothing is growing: it has its name by now, or all its parts are there, and it is
                // proved, which takes as long as it takes. If it was but a bad moment to ask, it
                // counts from the next answer.
                (last, grew_at) = (None, None);
            }
            // Also when all of it is there: a source may send everything and not say so.
            let is_stalled =
                grew_at.is_some_and(|grew_at| now.saturating_sub(grew_at) >= limits.data_stall);
            if is_stalled {
                stop.trip();
                return;
            }
            let others = u32::try_from(self.asked_for.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
            let interval = limits.progress_interval;
            clock.sleep(interval.saturating_mul(others.max(1))).await;
        }
    }

    /// How long the file is; `None` if the server does not say.
    async fn ask(
        &self,
        copy: &Copy,
        at: &Pathname,
        parts: Option<PartsKey>,
    ) -> Result<Option<u64>, Gone> {
        let mut asking = self.conn.lock().await;
        if !asking.conn.as_ref().is_some_and(ControlConn::is_usable) {
            asking.conn = None;
            // A server that has no room for one more, or ends idle sessions, is not pestered.
            let site = copy
                .to
                .as_ref()
                .filter(|_| asking.calls < CALLS_MAX)
                .ok_or(Gone)?;
            asking.calls += 1;
            match site.open().await {
                Ok(conn) => asking.conn = Some(conn),
                Err(_) => {
                    asking.calls = CALLS_MAX;
                    return Err(Gone);
                }
            }
        }
        let conn = asking.conn.as_mut().ok_or(Gone)?;
        let found = if let Some(key) = parts {
            parts::size(conn, key).await
        } else if upload::keeps_partials(conn) {
            conn.stat(at).await.map(|stat| stat.partial)
        } else {
            conn.size(at).await
        };
        match found {
            Ok(found) => Ok(found),
            Err(Error::Refused { .. }) => Ok(None),
            Err(_) => {
                asking.conn = None;
                Ok(None)
            }
        }
    }

    /// Puts a meter on what passes this host, and `stop` in the place of the copy's own.
    pub(super) fn attach(
        &self,
        copy: &Copy,
        line: &mut Line,
        (job, offset): (&Job, u64),
        stop: &Interrupt,
    ) -> Arc<Meter> {
        let meter = Arc::new(Meter::new(copy, job, offset));
        // One end is enough: what a relay sends it has received before.
        let mut metered = Some(meter.clone());
        for conn in line.both().into_iter().flatten() {
            conn.environment.interrupt = stop.clone();
            if let Some(meter) = metered.take() {
                conn.environment.observer = meter;
                conn.environment.pace = self.pace.clone();
            }
        }
        meter
    }

    /// Says goodbye.
    pub(super) async fn quit(self) {
        if let Some(conn) = self.conn.into_inner().conn {
            conn.part().await;
        }
    }
}

/// Counts the bytes of one file that pass this host, and shows everything to somebody else too.
#[derive(Debug)]
pub(super) struct Meter {
    inner: Arc<dyn Observer>,
    watcher: Arc<dyn Watcher>,
    clock: Arc<dyn Clock>,
    name: String,
    total: Option<u64>,
    bytes: AtomicU64,
    /// The bytes pass this host, so nobody else need be asked.
    has_moved: AtomicBool,
    /// When it was told last, in milliseconds of the clock.
    told: AtomicU64,
}

impl Meter {
    fn new(copy: &Copy, job: &Job, offset: u64) -> Self {
        Self {
            inner: copy.environment.observer.clone(),
            watcher: copy.watcher.clone(),
            clock: copy.environment.world.clock.clone(),
            name: job.name.clone(),
            total: job.file.size,
            bytes: AtomicU64::new(offset),
            has_moved: AtomicBool::new(false),
            told: AtomicU64::new(NEVER),
        }
    }
}

impl Observer for Meter {
    fn sent(&self, site: &str, line: &str) {
        self.inner.sent(site, line);
    }

    fn received(&self, site: &str, line: &str) {
        self.inner.received(site, line);
    }

    fn moved(&self, bytes: u64) {
        self.inner.moved(bytes);
        self.has_moved.store(true, Ordering::Relaxed);
        let bytes = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let now = u64::try_from(self.clock.now().as_millis()).unwrap_or(u64::MAX);
        let told = self.told.load(Ordering::Relaxed);
        if told == NEVER || now.saturating_sub(told) >= TELL_MILLISECONDS {
            self.told.store(now.max(1), Ordering::Relaxed);
            let (name, total) = (self.name.as_str(), self.total);
            self.watcher
                .happened(&Happened::Progress { name, bytes, total });
        }
    }

    fn warning(&self, warning: &str) {
        self.inner.warning(warning);
    }

    fn note(&self, note: &str) {
        self.inner.note(note);
    }
}

/// All as it was.
pub(super) fn detach(copy: &Copy, line: &mut Line) {
    for conn in line.both().into_iter().flatten() {
        conn.environment.interrupt = copy.environment.interrupt.clone();
        conn.environment.observer = copy.environment.observer.clone();
        conn.environment.pace = None;
    }
}

/// The server is not asked any more.
struct Gone;

/// One more, until it is dropped.
struct Counted<'a>(&'a AtomicU64);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How often the extra connection is made in one copy.
const CALLS_MAX: u32 = 5;

/// As often as a person can follow.
const TELL_MILLISECONDS: u64 = 200;

/// No time at which anything was told.
const NEVER: u64 = 0;
