//! Replies that are owed and not waited for by themselves: each has to grant what was asked.

use bytes::BytesMut;
use thirdhost_proto::user::{Received, Ticket};
use thirdhost_wire::{Command, Reply};

use crate::{ControlConn, Error};

/// A command whose reply is read on the way to a later one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owed {
    pub(super) ticket: Ticket,
    step: &'static str,
    hint: &'static str,
    asked: Asked,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asked {
    User,
    /// Anything it says will do where the step before it was enough.
    Secret {
        is_needed: bool,
    },
    Other,
}

impl ControlConn {
    /// Puts a command into `outgoing` whose reply is read on the way to a later one.
    pub(super) fn owe(
        &mut self,
        command: &Command,
        step: &'static str,
        hint: &'static str,
        outgoing: &mut BytesMut,
    ) -> Result<(), Error> {
        let ticket = self.send_ahead(command, outgoing)?;
        let asked = match command {
            Command::User(_) => Asked::User,
            Command::Pass(_) | Command::Acct(_) => Asked::Secret { is_needed: true },
            _ => Asked::Other,
        };
        self.owed.push_back(Owed {
            ticket,
            step,
            hint,
            asked,
        });
        Ok(())
    }

    /// Waits for the replies that are owed.
    ///
    /// # Errors
    /// [`Error::Refused`] if one of them does not grant what was asked.
    pub(crate) async fn confirm(&mut self) -> Result<(), Error> {
        self.read_until(|conn| conn.owed.is_empty()).await
    }

    /// Reads replies that are kept or owed.
    pub(crate) async fn read_until(&mut self, is_done: fn(&Self) -> bool) -> Result<(), Error> {
        let environment = self.environment.clone();
        let limit = environment.limits.reply;
        let reading = environment.within(limit, async {
            while !is_done(self) {
                match self.receive_one().await? {
                    None => {}
                    Some(Received::Preliminary { .. }) => self.one_more_preliminary()?,
                    Some(Received::Closing(reply)) => return Err(self.closing(reply)),
                    Some(Received::Final { reply, .. } | Received::Unexpected(reply)) => {
                        return Err(self.unexpected(&reply));
                    }
                }
            }
            Ok(())
        });
        let read = tokio::select! {
            biased;
            read = reading => read,
            () = environment.interrupt.tripped() => return Err(self.stopped()),
        };
        read.unwrap_or_else(|| Err(self.silent(limit)))
    }

    /// The reply to the oldest of those owed; whether it grants what was asked.
    pub(super) fn grants(&mut self, reply: &Reply) -> bool {
        let Some(owed) = self.owed.front().copied() else {
            return false;
        };
        let code = reply.code();
        let is_granted = match owed.asked {
            Asked::User if PASSWORD.contains(&code.number()) => true,
            Asked::Secret { .. } if ACCOUNT.contains(&code.number()) => self.wants_account(),
            Asked::Secret { is_needed: false } => true,
            _ => code.is_completion(),
        };
        if !is_granted {
            return false;
        }
        self.owed.pop_front();
        if code.is_completion() && owed.asked != Asked::Other {
            for owed in &mut self.owed {
                if let Asked::Secret { is_needed } = &mut owed.asked {
                    *is_needed = false;
                }
            }
        }
        true
    }

    /// What was owed and refused: what was sent behind it counts on it.
    pub(super) fn not_granted(&mut self, reply: &Reply) -> Option<Error> {
        let owed = self.owed.pop_front()?;
        self.broken = true;
        let hint = match ACCOUNT.contains(&reply.code().number()) {
            true => NO_ACCOUNT,
            false => owed.hint,
        };
        Some(self.refused(owed.step, reply.clone(), hint))
    }

    /// Whether ACCT is on its way behind.
    fn wants_account(&self) -> bool {
        let next = self.owed.get(1);
        next.is_some_and(|owed| owed.asked == Asked::Secret { is_needed: true })
    }
}

pub(super) const LOGIN: &str = "the login";

pub(super) const CHECK: &str = "; check user name and password";

pub(super) const NO_ACCOUNT: &str = "; this server wants an account";

/// RFC 959 section 5.4 and RFC 2228 section 5.1.
pub(super) const PASSWORD: &[u16] = &[331, 336];

/// RFC 959 section 5.4.
pub(super) const ACCOUNT: &[u16] = &[332];
