//! Commands on their way out: numbered, shown without their secrets, written.

use thirdhost_proto::user::{SendRefused, Ticket, UserPi};
use thirdhost_wire::{Command, Text};

use crate::{ControlConn, Error};

impl ControlConn {
    /// Sends a command without waiting.
    pub(crate) async fn send(&mut self, command: &Command) -> Result<Ticket, Error> {
        let mut line = Vec::new();
        command.encode(&mut line);
        if !matches!(
            command,
            Command::User(_) | Command::Pass(_) | Command::Acct(_)
        ) {
            self.check_octets(&line)?;
        }
        let sent = self.before_send(command.verb().code(), |pi| pi.send(command))?;
        self.show(command, &line);
        self.write(&line).await?;
        Ok(sent)
    }

    /// The same for a command that is no [`Command`].
    pub(crate) async fn send_extension(
        &mut self,
        verb: &'static str,
        argument: &Text,
    ) -> Result<Ticket, Error> {
        let sent = self.before_send(verb, UserPi::send_extension)?;
        let line = format!("{verb} {}", argument.as_str());
        self.environment.observer.sent(&self.server.name, &line);
        self.write(format!("{line}\r\n").as_bytes()).await?;
        Ok(sent)
    }

    /// Whether the server would take a name for another one.
    pub(crate) fn check_octets(&self, name: &[u8]) -> Result<(), Error> {
        if name.is_ascii() || !self.product().drops_what_is_not_ascii() {
            return Ok(());
        }
        Err(Error::Unnameable {
            server: self.server.name.clone(),
        })
    }

    pub(super) fn before_send(
        &mut self,
        step: &'static str,
        ask: impl FnOnce(&mut UserPi) -> Result<Ticket, SendRefused>,
    ) -> Result<Ticket, Error> {
        self.step = step;
        self.preliminary = 0;
        self.has_stored |= step == "STOR";
        if self.broken {
            return Err(self.lost(None));
        }
        if self.pi.is_idle() && self.has_unasked() {
            return Err(self.misbehaved("it says more than it was asked"));
        }
        ask(&mut self.pi).map_err(|source| Error::NotSent {
            server: self.server.name.clone(),
            step,
            source,
        })
    }

    pub(super) fn show(&self, command: &Command, line: &[u8]) {
        let shown = shown(command, line);
        self.environment.observer.sent(&self.server.name, &shown);
    }
}

/// The line as it may be seen: PASS and ACCT without their argument (spec S-70).
fn shown(command: &Command, line: &[u8]) -> String {
    match command {
        Command::Pass(_) => "PASS ****".to_owned(),
        Command::Acct(_) => "ACCT ****".to_owned(),
        _ => String::from_utf8_lossy(line)
            .trim_end_matches(['\r', '\n'])
            .to_owned(),
    }
}
