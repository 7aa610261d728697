//! Time and chance that are the same at every run, beside the network in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use thirdhost_sockets::{Clock, Random, Threads, World};
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use crate::net::Net;

/// Where `net` is the network.
pub(crate) fn world(net: &Net) -> World {
    World {
        network: Arc::new(net.clone()),
        clock: Arc::new(Paused {
            began: Instant::now(),
        }),
        random: Arc::new(Numbers(AtomicU64::new(0))),
        threads: Arc::new(AtOnce),
    }
}

/// A runtime whose clock goes on only when nothing else can.
pub(crate) fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build();
    runtime.expect("a runtime without a thread of its own")
}

/// The time of day at which every run begins: the day RFC 438 is dated.
pub(crate) const BEGINNING: Duration = Duration::from_secs(95_904_000);

#[derive(Debug)]
struct Paused {
    began: Instant,
}

impl Clock for Paused {
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + BEGINNING + self.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        async move { tokio::time::sleep(duration).await }.boxed()
    }
}

#[derive(Debug)]
struct Numbers(AtomicU64);

impl Random for Numbers {
    fn below(&self, bound: u32) -> u32 {
        // The multiplier of Knuth's MMIX; the upper half of the state is mixed well enough.
        let next = |state: u64| {
            let state = state.wrapping_mul(6_364_136_223_846_793_005);
            Some(state.wrapping_add(1_442_695_040_888_963_407))
        };
        let state = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        let upper = state.unwrap_or_default() >> 33;
        u32::try_from(upper % u64::from(bound.max(1))).unwrap_or_default()
    }
}

/// Does the work on the spot, so that its end comes at the same moment at every run.
#[derive(Debug)]
struct AtOnce;

impl Threads for AtOnce {
    fn start(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }
}
