//! What comes over the control connection, taken line by line, and when it is looked at.

use std::io;
use std::time::Duration;

use futures_util::FutureExt;
use thirdhost_wire::Command;

use super::Session;
use super::control::Line;
use crate::limits;

impl Session {
    /// Gives one buffered line to the server-PI. False when there is none, or none is wanted.
    pub(super) fn take_line(&mut self) -> bool {
        if self.closing || !self.pi.wants_commands() || self.control.is_clogged() {
            return false;
        }
        let now = self.now();
        match self.control.next_line(now) {
            None => false,
            Some(Line::TelnetAbuse) => {
                tracing::warn!("Telnet options without end; closing");
                self.closing = true;
                true
            }
            Some(Line::Command(command)) => {
                match &command {
                    Ok(command) => {
                        self.arranged.hear(command);
                        log(command);
                    }
                    Err(error) => tracing::debug!(%error, "bad line"),
                }
                self.pi.handle_command(now, command);
                true
            }
        }
    }

    /// What was found for commands that came before is not taken as found for those just heard.
    pub(super) fn forget_if_heard(&mut self) {
        if self.control.has_heard() {
            self.forget();
        }
    }

    /// Nothing found for the commands so far is held any more.
    pub(super) fn forget(&self) {
        if let Some(user) = &self.user {
            user.store.forget();
        }
    }

    /// How much longer replies wait for those to the commands behind, to go out with them: a new
    /// connection may send ten packets before it hears from its peer, however small they are.
    pub(super) fn gathers(&self) -> Option<Duration> {
        let is_followed = self.pi.has_queued() || self.control.has_input();
        let is_usual = !self.closing && self.change.is_none() && self.control.has_little_output();
        let since = self.control.output_since().filter(|_| is_usual)?;
        let left = (since + limits::GATHERING).saturating_sub(self.now());
        (is_followed && self.operation.is_some() && !left.is_zero()).then_some(left)
    }

    /// Sends replies and reads commands as far as that takes no waiting: while one thing after the
    /// other is done without any, nobody looks. Tells why the connection is over, if it is.
    pub(super) fn glance(&mut self, wants_input: bool) -> Option<&'static str> {
        // Once to send, and once to read.
        for _ in 0..2 {
            let io = self.control.turn(wants_input, false).now_or_never()?;
            self.forget_if_heard();
            if let Some(end) = ended(&io) {
                return Some(end);
            }
        }
        None
    }
}

/// Why the control connection is over, if it is.
pub(super) fn ended(io: &io::Result<bool>) -> Option<&'static str> {
    match io {
        Ok(true) => None,
        Ok(false) => Some("closed by the user"),
        Err(error) => {
            tracing::debug!(%error, "control connection lost");
            Some("control connection lost")
        }
    }
}

/// The name of a user is no secret, but what is sent as one may be: passwords are typed there by
/// mistake (spec S-29a). The login tells the name once it proved to be one.
fn log(command: &Command) {
    match command {
        Command::User(_) => tracing::debug!(command = "USER ****", "command"),
        command => tracing::debug!(%command, "command"),
    }
}

/// How many things are done in a row, where none takes waiting, before the control connection is
/// looked at: their replies go out together, and the user-PI has the next commands ready in time.
pub(super) const IN_A_ROW_MAX: usize = 64;
