//! Many files over one arrangement: each has a number, so that none can be taken for another.
//!
//! While OPTS PIPELINE is on, transfer commands are counted from 1 in each arrangement, whatever
//! becomes of them. In MODE B the source opens each file with its number. A command that is
//! refused is answered at once, and then its place is filled ([`Effect::Skip`]): a source sends
//! a failed file for it, a destination reads the file past. Where that cannot be, the
//! arrangement is void, since the two ends would count apart.

use thirdhost_wire::{Command, Direction, TransmissionMode};

use super::effect::Effect;
use super::operation::{Operation, Skip};
use super::plan::Plan;
use super::protection;
use super::reply_text as text;
use super::session::{Activity, ServerPi};
use super::transfer::{self, Running};

/// Whether numbers are in use, and the last one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Pipeline {
    on: bool,
    last: u64,
}

impl Pipeline {
    /// A new arrangement: its first transfer command has number 1.
    pub(super) fn start_over(&mut self) {
        self.last = 0;
    }
}

/// OPTS PIPELINE. Whoever changes it makes a new arrangement, since the other end may have
/// counted what this one did not.
pub(super) fn set(pi: &mut ServerPi, on: bool) {
    if pi.pipeline.on != on {
        pi.release_plan();
        pi.pipeline = Pipeline { on, last: 0 };
    }
    pi.reply(text::options_set(if on {
        "PIPELINE is on."
    } else {
        "PIPELINE is off."
    }));
}

/// What a transfer command would have moved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Place {
    direction: Direction,
    listing: bool,
}

impl Place {
    pub(super) fn of(operation: &Operation) -> Self {
        Self {
            direction: operation.direction(),
            listing: matches!(operation, Operation::List { .. }),
        }
    }
}

/// Counts a command that moves a file or a listing; none for every other.
pub(super) fn count(pi: &mut ServerPi, command: &Command) -> Option<Place> {
    let (direction, listing) = match command {
        Command::Retr(_) => (Direction::Send, false),
        Command::List(_) | Command::Nlst(_) | Command::Mlsd(_) => (Direction::Send, true),
        Command::Stor(_) | Command::Stou(_) | Command::Appe(_) => (Direction::Receive, false),
        _ => return None,
    };
    if pi.pipeline.on && is_arranged(pi) {
        pi.pipeline.last = pi.pipeline.last.saturating_add(1);
    }
    Some(Place { direction, listing })
}

/// The number of the transfer command in hand, where files have one.
pub(super) fn number(pi: &ServerPi) -> Option<u64> {
    let Pipeline { on, last } = pi.pipeline;
    let numbered = on && is_arranged(pi) && pi.parameters.mode == TransmissionMode::Block;
    numbered.then_some(last)
}

/// A transfer command has been refused, and is answered: its place in the pipeline is filled.
pub(super) fn refused(pi: &mut ServerPi, place: Place) {
    let Some(number) = number(pi) else {
        return;
    };
    let Place { direction, listing } = place;
    // What was said before it was said for it alone.
    pi.restart = None;
    pi.range = None;
    let terms = transfer::terms(pi);
    let route = transfer::route(pi, direction);
    let protection = protection::of_connection(pi, listing);
    let (Ok(route), Some(protection)) = (route, protection) else {
        return pi.release_plan();
    };
    pi.activity = Activity::Transferring(Running::past(terms, place));
    pi.push(Effect::Skip(Skip {
        number,
        direction,
        route,
        structure: pi.parameters.structure,
        protection,
    }));
}

fn is_arranged(pi: &ServerPi) -> bool {
    pi.open.is_some() || pi.plan != Plan::Default
}
