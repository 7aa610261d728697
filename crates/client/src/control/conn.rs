//! The connection itself: commands out, replies in, in step and in time.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use thirdhost_proto::user::{Received, Ticket, UserPi};
use thirdhost_sockets::Connection;
use thirdhost_wire::{Command, Features, Reply, ReplyCodec, RepresentationType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::codec::Decoder;

use super::owed::Owed;
use crate::pipeline::{Ahead, Early};
use crate::tls::TlsSession;
use crate::{Environment, Error, Fingerprint, Product, Server};

/// One control connection and what is known about its server.
#[derive(Debug)]
pub struct ControlConn {
    pub(crate) environment: Environment,
    pub(crate) server: Server,
    pub(crate) features: Features,
    /// FEAT was asked over the connection as it is, in clear text or under TLS.
    pub(super) asked_features: bool,
    /// What 220 said, for telling the product.
    pub(super) greeting: String,
    /// TYPE in force, as far as we know.
    pub(crate) representation: Option<RepresentationType>,
    /// EPSV did not work here.
    pub(crate) epsv_failed: bool,
    pub(crate) data_bytes: u64,
    /// SSCN ON may be in force: on a data connection to us it would wait for a TLS server.
    pub(crate) is_tls_client: bool,
    /// STOR was sent since somebody last looked.
    pub(crate) has_stored: bool,
    /// How many 1yz replies came since the last command.
    pub(super) preliminary: u32,
    pub(super) pi: UserPi,
    /// None in clear text.
    pub(crate) tls: Option<TlsSession>,
    pub(super) connection: Box<dyn Connection>,
    pub(super) codec: ReplyCodec,
    pub(super) received: BytesMut,
    /// What has come since the last reply was complete.
    pub(super) unfinished_bytes: usize,
    pub(super) step: &'static str,
    pub(super) control_bytes: u64,
    pub(super) broken: bool,
    /// Replies up to this command's are nobody's business.
    pub(super) ignored: Option<Ticket>,
    /// What was sent for a listing that is to come.
    pub(crate) listing_ahead: Option<Ahead>,
    /// What was sent for an arrangement that is to come.
    pub(crate) arrangement_ahead: Option<Ahead>,
    /// What it was asked for before the files were begun.
    pub(crate) files_ahead: Option<Early>,
    /// What is under way and has to succeed, the oldest first.
    pub(super) owed: VecDeque<Owed>,
}

impl ControlConn {
    /// Sends a command and waits for its final reply, whatever that says.
    ///
    /// For commands without a data connection.
    ///
    /// # Errors
    /// When the dialogue breaks, not when the server refuses.
    pub async fn command(&mut self, command: Command) -> Result<Reply, Error> {
        let ticket = self.send(&command).await?;
        let reply = self.wait_for(ticket, self.environment.limits.reply).await?;
        if let (Command::Type(representation), true) = (&command, reply.code().is_completion()) {
            self.representation = Some(*representation);
        }
        Ok(reply)
    }

    /// What the server is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.server.name
    }

    /// Where the server was reached.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.connection.peer()
    }

    /// What FEAT said; empty before login.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// Which program it is, as far as its greeting and FEAT tell.
    #[must_use]
    pub fn product(&self) -> Product {
        Product::of(&self.greeting, &self.features)
    }

    /// Bytes sent and received on this control connection.
    #[must_use]
    pub fn control_bytes(&self) -> u64 {
        self.control_bytes
    }

    /// Bytes of files and listings that came or went through this host by this connection.
    #[must_use]
    pub fn data_bytes(&self) -> u64 {
        self.data_bytes
    }

    /// Whether this connection is under TLS, and so every data connection with it.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.tls.is_some()
    }

    /// The certificate the server has shown; none in clear text.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.tls.as_ref().and_then(TlsSession::fingerprint)
    }

    /// Whether commands can still be sent.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !self.broken && !self.pi.is_closing()
    }

    /// Says goodbye and closes. A server that does not answer is left all the same.
    ///
    /// # Errors
    /// When the dialogue breaks before the server's answer.
    pub async fn quit(mut self) -> Result<(), Error> {
        self.command(Command::Quit).await.map(|_| ())
    }

    /// Says goodbye and closes without waiting for the server's: all that matters was said.
    pub(crate) async fn part(mut self) {
        let is_said = self.is_usable() && self.send(&Command::Quit).await.is_ok();
        if is_said {
            // It also says that nothing follows; a connection that is gone by now is no trouble.
            let environment = self.environment.clone();
            let end = self.connection.shutdown();
            environment.within(environment.limits.abort, end).await;
        }
    }

    /// Closes without a word: nothing the server says counts any more.
    pub(crate) fn abandon(&mut self) {
        self.broken = true;
    }

    /// The next reply and what it means. No time limit.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn receive(&mut self) -> Result<Received, Error> {
        if self.broken {
            return Err(self.lost(None));
        }
        loop {
            if let Some(received) = self.receive_one().await? {
                return Ok(received);
            }
        }
    }

    /// One reply; none if it was kept, or nobody asks for it any more.
    pub(super) async fn receive_one(&mut self) -> Result<Option<Received>, Error> {
        match self.read_reply().await {
            Ok(reply) => Ok(self.understood(reply)),
            Err(error) => {
                self.broken = true;
                Err(error)
            }
        }
    }

    /// What a reply means; none if nobody asks for it any more.
    pub(super) fn understood(&mut self, reply: Reply) -> Option<Received> {
        self.unfinished_bytes = self.received.len();
        for line in reply.to_string().lines() {
            self.environment.observer.received(&self.server.name, line);
        }
        let received = self.pi.handle_reply(reply);
        match received {
            Received::Final { ticket, reply }
                if self.owed.front().is_some_and(|owed| owed.ticket == ticket) =>
            {
                match self.grants(&reply) {
                    true => None,
                    false => Some(Received::Unexpected(reply)),
                }
            }
            Received::Final { ticket, reply }
                if let Some(ahead) = [&mut self.listing_ahead, &mut self.arrangement_ahead]
                    .into_iter()
                    .flatten()
                    .find(|ahead| ahead.expects(ticket)) =>
            {
                ahead.hear(ticket, reply);
                None
            }
            Received::Preliminary { ticket, .. } | Received::Final { ticket, .. }
                if self.ignored.is_some_and(|last| ticket <= last) =>
            {
                None
            }
            received => Some(received),
        }
    }

    /// Octets went out and came in.
    pub(super) fn passed(&mut self, sent: usize, read: usize) {
        self.control_bytes += (sent + read) as u64;
        self.unfinished_bytes = self.unfinished_bytes.saturating_add(read);
    }

    /// Whether a reply has grown beyond all reason.
    pub(super) fn is_endless(&self) -> bool {
        self.unfinished_bytes > self.environment.limits.unfinished_reply_bytes
    }

    /// Reads until the command is answered or the person stops; `limit` is for all of it.
    pub(crate) async fn wait_for(
        &mut self,
        ticket: Ticket,
        limit: Duration,
    ) -> Result<Reply, Error> {
        let interrupt = self.environment.interrupt.clone();
        tokio::select! {
            biased;
            reply = self.wait_through(ticket, limit) => reply,
            () = interrupt.tripped() => Err(self.stopped()),
        }
    }

    /// The same, though the person stops: for what brings a server to rest.
    pub(crate) async fn wait_through(
        &mut self,
        ticket: Ticket,
        limit: Duration,
    ) -> Result<Reply, Error> {
        let environment = self.environment.clone();
        let found = environment.within(limit, async {
            loop {
                match self.receive().await? {
                    Received::Final {
                        ticket: answered,
                        reply,
                    } if answered >= ticket => {
                        return Ok(reply);
                    }
                    Received::Final { .. } => {}
                    Received::Preliminary { .. } => self.one_more_preliminary()?,
                    Received::Closing(reply) => return Err(self.closing(reply)),
                    Received::Unexpected(reply) => return Err(self.unexpected(&reply)),
                }
            }
        });
        match found.await {
            Some(result) => result,
            None => Err(self.silent(limit)),
        }
    }

    /// SECURITY: a server that says 1yz again and again would keep us busy as long as it likes.
    pub(crate) fn one_more_preliminary(&mut self) -> Result<(), Error> {
        self.preliminary = self.preliminary.saturating_add(1);
        if self.preliminary > self.environment.limits.preliminary_replies {
            return Err(self.misbehaved("it says 1yz without end"));
        }
        Ok(())
    }

    /// A final reply came: what is said from now on is about another command.
    pub(crate) fn no_more_preliminary(&mut self) {
        self.preliminary = 0;
    }

    pub(super) fn over(
        environment: Environment,
        server: Server,
        connection: Box<dyn Connection>,
    ) -> Self {
        Self {
            environment,
            server,
            features: Features::default(),
            asked_features: false,
            greeting: String::new(),
            representation: None,
            epsv_failed: false,
            data_bytes: 0,
            is_tls_client: false,
            has_stored: false,
            preliminary: 0,
            pi: UserPi::new(),
            tls: None,
            connection,
            codec: ReplyCodec::lenient(),
            received: BytesMut::new(),
            unfinished_bytes: 0,
            step: "the greeting",
            control_bytes: 0,
            broken: false,
            ignored: None,
            listing_ahead: None,
            arrangement_ahead: None,
            files_ahead: None,
            owed: VecDeque::new(),
        }
    }

    /// Whether something waits that would be taken for the next reply; a 421 may (spec Q-12).
    pub(super) fn has_unasked(&self) -> bool {
        !self.received.is_empty() && !self.received.starts_with(b"421")
    }

    async fn read_reply(&mut self) -> Result<Reply, Error> {
        loop {
            match self.codec.decode(&mut self.received) {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => {}
                Err(source) => {
                    let server = self.server.name.clone();
                    return Err(Error::NotAReply {
                        server,
                        step: self.step,
                        source,
                    });
                }
            }
            if self.is_endless() {
                return Err(self.misbehaved("its reply does not end"));
            }
            match self.connection.read_buf(&mut self.received).await {
                Ok(0) => return Err(self.lost(None)),
                Ok(count) => self.passed(0, count),
                Err(source) => return Err(self.lost(Some(source))),
            }
        }
    }

    pub(crate) async fn write(&mut self, line: &[u8]) -> Result<(), Error> {
        let limit = self.environment.limits.reply;
        let environment = self.environment.clone();
        let written = environment.within(limit, async {
            self.connection.write_all(line).await?;
            self.connection.flush().await
        });
        match written.await {
            Some(Ok(())) => {
                self.control_bytes += line.len() as u64;
                Ok(())
            }
            Some(Err(source)) => {
                self.broken = true;
                Err(self.lost(Some(source)))
            }
            None => Err(self.silent(limit)),
        }
    }

    pub(super) fn lost(&self, source: Option<io::Error>) -> Error {
        Error::Lost {
            server: self.server.name.clone(),
            step: self.step,
            source,
        }
    }
}
