//! What must hold: at every moment, and where nothing goes on any more.

use thirdhost_proto::third_party::Outcome;

use crate::network::End;
use crate::session::{Control, Reservation, USERS, Work};
use crate::user::State;
use crate::world::World;

impl World {
    /// What is wrong now, if anything is.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        if self.broken.is_some() {
            return self.broken;
        }
        let is_done = matches!(self.user.machine.outcome(), Some(Outcome::Done(_)));
        if is_done && self.user.state == State::Alive && !self.has_all() {
            return Some("the user is told that it is done, and the file is not there");
        }
        for session in USERS {
            let held = &self.sessions[session];
            if held.control != Control::Ended && !held.holds_what_it_plans() {
                return Some("a server holds another socket than its plan says");
            }
        }
        None
    }

    /// What is wrong where nothing goes on any more.
    pub(crate) fn problem_at_the_end(&self) -> Option<&'static str> {
        if self.user.is_waiting() {
            return Some("the user waits for ever");
        }
        let is_undisturbed = self.left.losses == self.scene().bounds.losses;
        if is_undisturbed && !(self.is_done() && self.has_all()) {
            return Some("it failed, and nothing was lost");
        }
        for session in USERS {
            let held = &self.sessions[session];
            if held.control != Control::Ended || !matches!(held.work, Work::Nothing) {
                return Some("a session is left behind");
            }
            if held.reservation != Reservation::Nothing {
                return Some("a port is left behind");
            }
            let is_its = |end| end == End::Session(session) || end == End::Waiting(session);
            let mut all = self.connections.iter();
            if all.any(|connection| is_its(connection.caller) || is_its(connection.callee)) {
                return Some("a data connection is left behind");
            }
        }
        None
    }

    fn is_done(&self) -> bool {
        matches!(self.user.machine.outcome(), Some(Outcome::Done(_)))
    }

    /// Whether every file, in order and once, is in place.
    fn has_all(&self) -> bool {
        self.stored.iter().copied().eq(0..self.scene().files)
    }
}
