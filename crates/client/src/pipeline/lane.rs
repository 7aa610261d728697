//! One control connection with commands under way, and what each of them is for.

use std::collections::VecDeque;

use bytes::BytesMut;
use thirdhost_proto::user::{Received, Ticket};
use thirdhost_wire::{Command, Reply};

use crate::{ControlConn, Error};

/// Commands go out ahead; each final reply comes back with what its command was for.
#[derive(Debug)]
pub(crate) struct Lane<'a, T> {
    pub(crate) conn: &'a mut ControlConn,
    outgoing: BytesMut,
    owed: VecDeque<(Ticket, T)>,
    /// What is said only when it is released; nothing is held if there is none.
    held: Option<VecDeque<(Command, T)>>,
    /// The reply that answers those at the front.
    answered: Option<(Ticket, Reply)>,
}

impl<'a, T> Lane<'a, T> {
    pub(crate) fn new(conn: &'a mut ControlConn) -> Self {
        Self {
            conn,
            outgoing: BytesMut::new(),
            owed: VecDeque::new(),
            held: None,
            answered: None,
        }
    }

    /// Sends a command behind those under way.
    pub(crate) fn say(&mut self, command: &Command, what: T) -> Result<(), Error> {
        if let Some(held) = &mut self.held {
            held.push_back((command.clone(), what));
            return Ok(());
        }
        let ticket = self.conn.send_ahead(command, &mut self.outgoing)?;
        self.owed.push_back((ticket, what));
        Ok(())
    }

    /// A command that went out before is one of those under way.
    pub(super) fn adopt(&mut self, ticket: Ticket, what: T) {
        self.owed.push_back((ticket, what));
    }

    /// What is said from here on waits until it is released or dropped.
    pub(crate) fn hold(&mut self) {
        self.held.get_or_insert_default();
    }

    /// Says what was held.
    pub(crate) fn release(&mut self) -> Result<(), Error> {
        for (command, what) in self.held.take().unwrap_or_default() {
            self.say(&command, what)?;
        }
        Ok(())
    }

    /// Nothing that was held is said any more.
    pub(crate) fn drop_held(&mut self) {
        self.held = None;
    }

    /// Sends all that was said, before something else is waited for.
    pub(crate) async fn push_out(&mut self) -> Result<(), Error> {
        let outgoing = self.outgoing.split();
        self.conn.write(&outgoing).await
    }

    /// How many commands are unanswered.
    pub(crate) fn owed(&self) -> usize {
        self.owed.len()
    }

    /// The same with those that are held.
    pub(crate) fn to_come(&self) -> usize {
        self.owed.len() + self.held.as_ref().map_or(0, VecDeque::len)
    }

    /// The next final reply, and what it is for. Waits without limit, also when nothing is
    /// under way: a connection that ends is news.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Result<(T, Reply), Error> {
        loop {
            if let Some(found) = self.answered() {
                return Ok(found);
            }
            if let Some(received) = self.conn.turn(&mut self.outgoing).await? {
                self.take(received)?;
            }
        }
    }

    /// The same, where it has come already: nothing is sent or read.
    pub(crate) fn heard(&mut self) -> Result<Option<(T, Reply)>, Error> {
        loop {
            if let Some(found) = self.answered() {
                return Ok(Some(found));
            }
            match self.conn.decoded()? {
                None => return Ok(None),
                Some(received) => self.take(received)?,
            }
        }
    }

    /// The next command that the last reply answers: 225 to ABOR answers all before it.
    fn answered(&mut self) -> Option<(T, Reply)> {
        let (last, reply) = self.answered.as_ref()?;
        match self.owed.pop_front_if(|(ticket, _)| *ticket <= *last) {
            Some((_, what)) => Some((what, reply.clone())),
            None => {
                self.answered = None;
                None
            }
        }
    }

    fn take(&mut self, received: Received) -> Result<(), Error> {
        match received {
            Received::Preliminary { .. } => self.conn.one_more_preliminary(),
            Received::Final { ticket, reply } => {
                self.conn.no_more_preliminary();
                self.answered = Some((ticket, reply));
                Ok(())
            }
            Received::Closing(reply) => Err(self.conn.closing(reply)),
            Received::Unexpected(reply) => Err(self.conn.unexpected(&reply)),
        }
    }

    /// The next reply, which has to come in time.
    pub(crate) async fn soon(&mut self) -> Result<(T, Reply), Error> {
        let environment = self.conn.environment.clone();
        let limit = environment.limits.reply;
        let found = tokio::select! {
            biased;
            found = environment.within(limit, self.next()) => found,
            () = environment.interrupt.tripped() => return Err(self.conn.stopped()),
        };
        found.unwrap_or_else(|| Err(self.conn.silent(limit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{Answer, say};
    use crate::tests::{net, path, polite};

    const SITE: &str = "9.9.9.9:21";

    #[tokio::test]
    async fn replies_that_came_together_are_heard_without_waiting() {
        let net = net();
        net.control(SITE, |line| match line {
            "SIZE a" => say("213 1\r\n213 2"),
            "SIZE b" => Answer::Silence,
            line => polite(line, ""),
        });
        let mut conn = net.login(SITE).await.unwrap();
        let mut lane = Lane::new(&mut conn);
        for name in ["a", "b"] {
            lane.say(&Command::Size(path(name)), name).unwrap();
        }
        assert!(lane.heard().unwrap().is_none());
        assert_eq!(lane.next().await.unwrap().0, "a");
        assert_eq!(lane.heard().unwrap().unwrap().0, "b");
        assert!(lane.heard().unwrap().is_none());
    }
}
