//! What goes through a pipeline, and what comes of it.

use thirdhost_wire::{Pathname, TimeVal};

use crate::{Error, Report};

/// One file to copy.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) from: Pathname,
    pub(crate) to: Pathname,
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
