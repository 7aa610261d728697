//! Where a user-FTP process lives: its world, its limits, and who watches.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use thirdhost_sockets::World;
use tokio::sync::Semaphore;

use crate::data::Pace;
use crate::limits::STREAM_PAIRS_MAX;
use crate::told::Told;
use crate::{Interrupt, Limits, Observer, Silent, Trust};

/// Everything a connection needs besides its server. Cheap to clone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Environment {
    /// Network and clock.
    pub world: World,
    /// How long and how much.
    pub limits: Limits,
    /// Sees every line of every dialogue.
    pub observer: Arc<dyn Observer>,
    /// Which certificates are believed.
    pub trust: Arc<Trust>,
    /// Stops all that runs here.
    pub interrupt: Interrupt,
    /// How fast bytes may pass this host.
    pub(crate) pace: Option<Arc<Pace>>,
    /// Where servers may still call that were told to.
    pub(crate) told: Arc<Told>,
    /// The pairs of connections that may yet be opened for the streams of files.
    pub(crate) stream_pairs: Arc<Semaphore>,
}

impl Environment {
    /// Default limits, the platform's roots, and nobody watches.
    #[must_use]
    pub fn new(world: World) -> Self {
        Self {
            world,
            limits: Limits::default(),
            observer: Arc::new(Silent),
            trust: Arc::new(Trust::roots_alone()),
            interrupt: Interrupt::default(),
            pace: None,
            told: Arc::default(),
            stream_pairs: Arc::new(Semaphore::new(STREAM_PAIRS_MAX)),
        }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same with somebody who watches.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer, ..self }
    }

    /// The same with other certificates believed.
    #[must_use]
    pub fn with_trust(self, trust: Trust) -> Self {
        let trust = Arc::new(trust);
        Self { trust, ..self }
    }

    /// Waits for `future`, at most so long; `None` when the time is over.
    pub(crate) async fn within<F: Future>(&self, limit: Duration, future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            output = future => Some(output),
            () = self.world.clock.sleep(limit) => None,
        }
    }
}
