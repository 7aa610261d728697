//! The real world: the kernel's TCP, tokio's clock and threads, the system's random numbers.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rand::RngExt;
use tokio::time::Instant;

use crate::tcp::Tcp;
use crate::{Clock, Random, Threads, World};

impl World {
    /// The real world. Its network and clock have to be used within a tokio runtime that has
    /// I/O and time enabled.
    #[must_use]
    pub fn real() -> Self {
        Self {
            network: Arc::new(Tcp),
            clock: Arc::new(RealClock {
                start: Instant::now(),
            }),
            random: Arc::new(RealRandom),
            threads: Arc::new(RealThreads),
        }
    }
}

/// Tokio's clock, which a test may pause.
#[derive(Debug)]
struct RealClock {
    start: Instant,
}

impl Clock for RealClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // Made within the future, so that `sleep` itself may be called outside a runtime.
        async move { tokio::time::sleep(duration).await }.boxed()
    }
}

/// A cryptographic generator per thread, seeded by the system.
#[derive(Debug)]
struct RealRandom;

impl Random for RealRandom {
    fn below(&self, bound: u32) -> u32 {
        if bound == 0 {
            0
        } else {
            rand::rng().random_range(0..bound)
        }
    }
}

/// Those that tokio keeps for work that blocks.
#[derive(Debug)]
struct RealThreads;

impl Threads for RealThreads {
    fn start(&self, work: Box<dyn FnOnce() + Send>) {
        drop(tokio::task::spawn_blocking(work));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_clock_goes_on_by_as_much_as_was_slept() {
        let World { clock, .. } = World::real();
        let before = clock.now();
        clock.sleep(Duration::from_secs(7)).await;
        assert_eq!(clock.now() - before, Duration::from_secs(7));
    }
}
