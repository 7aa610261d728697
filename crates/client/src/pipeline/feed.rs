//! What goes through a pipeline, and what comes of it.

use std::time::Duration;

use thirdhost_proto::third_party::BySide;
use thirdhost_wire::{Pathname, Reply, TimeVal};

use crate::{Error, Report};

/// One file to copy.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) from: Pathname,
    pub(crate) to: Pathname,
    /// The name it has until it is whole, where the server does not see to that itself.
    pub(crate) aside: Option<Pathname>,
    pub(crate) size: Option<u64>,
    pub(crate) modified: Option<TimeVal>,
}

/// What became of a file.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Both servers said so, and the proof agrees.
    Done(Report),
    /// This one failed; the others went on.
    Failed(Error),
    /// Whether it arrived is not known: the arrangement ended before it did, or no proof came.
    Unfinished,
}

/// Gives files and hears what became of them.
pub(crate) trait Feed: Send {
    /// What is remembered of a file that is under way.
    type Job: Send;

    /// The next file; none when there is none for a pipeline.
    fn next(&mut self) -> Option<(Self::Job, Item)>;

    /// What became of it.
    fn ended(&mut self, job: Self::Job, ended: Ended);
}

/// What a reply is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owed {
    pub(super) flight: u64,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum What {
    Transfer,
    Proof,
    Time,
}

/// A file under way.
pub(super) struct Flight<J> {
    pub(super) job: J,
    pub(super) item: Item,
    pub(super) began: Duration,
    pub(super) waiting: usize,
    pub(super) transfers: BySide<Option<Reply>>,
    pub(super) proofs: BySide<Option<Reply>>,
}
