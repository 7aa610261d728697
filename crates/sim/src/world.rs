//! Clock and threads of the simulated world: virtual time, and no thread but the one there is.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thirdhost_sockets::{Clock, Network, Threads, World};
use tokio::time::Instant;

use crate::chance::Chance;

/// A world with this network, tokio's paused clock, numbers of its own and no other threads.
#[must_use]
pub(crate) fn world(network: Arc<dyn Network>, chance: &Chance) -> World {
    World {
        network,
        clock: Arc::new(VirtualClock {
            origin: Instant::now(),
        }),
        random: Arc::new(chance.fork()),
        threads: Arc::new(NoThreads),
    }
}

/// The same world with a clock in which no time that is waited for ever comes.
#[must_use]
pub(crate) fn without_alarms(world: World) -> World {
    let clock = Arc::new(NoAlarms(Arc::clone(&world.clock)));
    World { clock, ..world }
}

#[derive(Debug)]
struct NoAlarms(Arc<dyn Clock>);

impl Clock for NoAlarms {
    fn now(&self) -> Duration {
        self.0.now()
    }

    fn wall(&self) -> SystemTime {
        self.0.wall()
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        std::future::pending().boxed()
    }
}

/// The clock of the runtime, which stands still while anything can be done.
#[derive(Debug)]
struct VirtualClock {
    origin: Instant,
}

impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn wall(&self) -> SystemTime {
        wall(self.origin.elapsed())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        async move { tokio::time::sleep(duration).await }.boxed()
    }
}

/// The time of day when the world is so old.
#[must_use]
pub(crate) fn wall(age: Duration) -> SystemTime {
    SystemTime::UNIX_EPOCH + JANUARY_1973 + age
}

/// Work is done where it is asked for, at once: another thread would come back when it likes.
#[derive(Debug)]
struct NoThreads;

impl Threads for NoThreads {
    fn start(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }
}

/// When RFC 438 was written.
const JANUARY_1973: Duration = Duration::from_secs(94_953_600);
