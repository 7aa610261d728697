//! One server of the two: what may be said to it now, and what has to wait for its transfer.

use std::collections::VecDeque;

use thirdhost_wire::Command;

use super::link::Owed;
use crate::pipeline::Lane;
use crate::{ControlConn, Error};

pub(super) struct End<'a> {
    pub(super) lane: Lane<'a, Option<Owed>>,
    /// Commands that come during a transfer are done after it.
    pub(super) queues: bool,
    /// How many transfers are unanswered.
    transfers: usize,
    /// The transfer command that waits for the answer to PORT or EPRT.
    held: Option<(Command, Owed)>,
    /// What is said when the transfer is over.
    later: VecDeque<(Command, Owed)>,
}

impl<'a> End<'a> {
    pub(super) fn new(conn: &'a mut ControlConn) -> Self {
        Self {
            queues: conn.product().queues_behind_transfer(),
            lane: Lane::new(conn),
            transfers: 0,
            held: None,
            later: VecDeque::new(),
        }
    }

    /// Whether a transfer may be begun.
    pub(super) fn is_free(&self) -> bool {
        self.queues || self.transfers == 0
    }

    /// Whether so much waits for its transfers that no other is to be begun before they are over.
    pub(super) fn is_overdue(&self) -> bool {
        self.later.len() >= LATER_MAX && self.transfers > 0
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.lane.owed() == 0 && self.later.is_empty()
    }

    /// Says it now, or behind the transfer.
    pub(super) fn tell(&mut self, command: Command, owed: Owed) -> Result<(), Error> {
        if self.queues {
            return self.lane.say(&command, Some(owed));
        }
        self.tell_at_rest(command, owed)
    }

    /// Says it when no transfer is under way, so that it is done at once. What waits behind one in
    /// the server is done whenever that is over, also when we are gone and another has come: a
    /// name would be given to an older file than the one that is there by then.
    pub(super) fn tell_at_rest(&mut self, command: Command, owed: Owed) -> Result<(), Error> {
        if self.transfers == 0 {
            return self.lane.say(&command, Some(owed));
        }
        self.later.push_back((command, owed));
        Ok(())
    }

    pub(super) fn transfer(&mut self, command: &Command, owed: Owed) -> Result<(), Error> {
        self.transfers += 1;
        self.lane.say(command, Some(owed))
    }

    /// A transfer command that waits for the answer to what was said last.
    pub(super) fn hold(&mut self, command: &Command, owed: Owed) {
        self.transfers += 1;
        self.held = Some((command.clone(), owed));
    }

    /// Says what was held.
    pub(super) fn release(&mut self) -> Result<(), Error> {
        match self.held.take() {
            Some((command, owed)) => self.lane.say(&command, Some(owed)),
            None => Ok(()),
        }
    }

    /// What was held is not said any more; whether something was.
    pub(super) fn drop_held(&mut self) -> Result<bool, Error> {
        if self.held.take().is_none() {
            return Ok(false);
        }
        self.transferred()?;
        Ok(true)
    }

    /// A transfer is over: what waited for that goes out.
    pub(super) fn transferred(&mut self) -> Result<(), Error> {
        self.transfers = self.transfers.saturating_sub(1);
        while self.transfers == 0
            && let Some((command, owed)) = self.later.pop_front()
        {
            self.lane.say(&command, Some(owed))?;
        }
        Ok(())
    }

    /// The transfer that is under way is given up, if there is one.
    pub(super) fn abort(&mut self) -> Result<(), Error> {
        match self.transfers {
            0 => Ok(()),
            _ => self.lane.say(&Command::Abor, None),
        }
    }
}

/// How much may wait for a server that always has a transfer under way, until it is left to end
/// those that it has: a round trip for some twenty files, each of which waits with three commands.
const LATER_MAX: usize = 64;
