//! Commands sent before it is certain that they are needed, their replies kept until it is.

use bytes::BytesMut;
use thirdhost_proto::user::Ticket;
use thirdhost_wire::{Command, Reply};

use crate::{ControlConn, Error};

/// Commands that were sent one behind the other, and what has been said to them.
#[derive(Debug)]
pub(crate) struct Ahead {
    first: Ticket,
    last: Ticket,
    pub(super) replies: Vec<Reply>,
    is_complete: bool,
}

impl Ahead {
    /// Sends them; none if there are none.
    ///
    /// # Errors
    /// When the dialogue breaks.
    pub(super) async fn send(
        conn: &mut ControlConn,
        commands: impl IntoIterator<Item = Command>,
    ) -> Result<Option<Self>, Error> {
        let mut outgoing = BytesMut::new();
        let ahead = Self::say(conn, commands, &mut outgoing)?;
        conn.write(&outgoing).await?;
        Ok(ahead)
    }

    /// Puts them into `outgoing`.
    pub(super) fn say(
        conn: &mut ControlConn,
        commands: impl IntoIterator<Item = Command>,
        outgoing: &mut BytesMut,
    ) -> Result<Option<Self>, Error> {
        let mut ahead: Option<Self> = None;
        for command in commands {
            let ticket = conn.send_ahead(&command, outgoing)?;
            let ahead = ahead.get_or_insert(Self {
                first: ticket,
                last: ticket,
                replies: Vec::new(),
                is_complete: false,
            });
            ahead.last = ticket;
        }
        Ok(ahead)
    }

    /// Whether a reply is to one of them.
    pub(crate) fn expects(&self, ticket: Ticket) -> bool {
        (self.first..=self.last).contains(&ticket)
    }

    /// Keeps a final reply.
    pub(crate) fn hear(&mut self, ticket: Ticket, reply: Reply) {
        self.is_complete |= ticket == self.last;
        self.replies.push(reply);
    }

    /// The last of them.
    pub(super) fn last(&self) -> Ticket {
        self.last
    }

    /// Whether all are answered.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }
}
