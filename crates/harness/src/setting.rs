//! What a case is given, and what it gives back.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use thirdhost_client::Error;
use thirdhost_sockets::World;

use crate::check::Mismatch;
use crate::{Hosts, SiteBuilder, Transcript};

/// Where a case plays and how large it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Setting {
    /// The three hosts.
    pub hosts: Hosts,
    /// The world the user and both sites live in.
    pub world: World,
    /// How many bytes a case moves, in one file or in many.
    pub bytes: u64,
    /// How many files a case with many files moves.
    pub files: u32,
    /// Records both dialogues.
    pub transcript: Arc<Transcript>,
}

impl Setting {
    /// This system's loopback, 1 MiB, 16 files.
    #[must_use]
    pub fn real() -> Self {
        Self {
            hosts: Hosts::of_this_system(),
            world: World::real(),
            bytes: 1 << 20,
            files: 16,
            transcript: Arc::default(),
        }
    }

    /// The source's site in RFC 438's example.
    #[must_use]
    pub fn site1(&self) -> SiteBuilder {
        SiteBuilder::new(SITE1, self.hosts.site1).in_world(self.world.clone())
    }

    /// The destination's site in RFC 438's example.
    #[must_use]
    pub fn site2(&self) -> SiteBuilder {
        SiteBuilder::new(SITE2, self.hosts.site2).in_world(self.world.clone())
    }

    /// The bytes of one of many files: 1 at least.
    #[must_use]
    pub fn bytes_each(&self) -> u64 {
        (self.bytes / u64::from(self.files.max(1))).max(1)
    }

    /// How long a case may take before it counts as hanging.
    #[must_use]
    pub fn patience(&self) -> Duration {
        let for_bytes = Duration::from_secs(self.bytes / BYTES_PER_SECOND_MIN);
        PATIENCE + for_bytes + FILE_TIME_MAX * self.files
    }
}

/// What a case that passed has to show.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Evidence {
    /// Bytes of files that went from site to site and were found there.
    pub bytes: u64,
    /// How long the transfers took, arrangement and verification included.
    pub elapsed: Duration,
    /// Bytes of files that passed the user's host.
    pub via_user: u64,
}

/// Why a case did not pass.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failed {
    /// Something is not as it must be.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The client gave up where it should not.
    #[error("the transfer: expected to succeed, found: {0}")]
    Client(#[from] Error),
    /// The ground gave way: a directory, a file, a socket of the harness itself.
    #[error("the harness itself: {0}")]
    Io(#[from] io::Error),
    /// It did not come to an end.
    #[error("the case: expected to end, found: still going on after {0:?}")]
    Hangs(Duration),
}

/// What the source is called in transcripts.
pub const SITE1: &str = "SITE1";

/// What the destination is called in transcripts.
pub const SITE2: &str = "SITE2";

/// Longer than everything that is waited for on the way.
const PATIENCE: Duration = Duration::from_secs(60);

/// Slower than any machine this runs on.
const BYTES_PER_SECOND_MIN: u64 = 4 << 20;

const FILE_TIME_MAX: Duration = Duration::from_millis(100);
