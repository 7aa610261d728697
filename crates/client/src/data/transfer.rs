//! Moving bytes over our own data connection while the control connection is watched.

use std::io;

use thirdhost_proto::user::{Received, Ticket};
use thirdhost_sockets::Connection;
use thirdhost_wire::{Command, Pathname, Reply, RestartPoint};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::{ControlConn, Environment, Error};

impl ControlConn {
    /// RETR: the file goes to `into`. Returns its length.
    ///
    /// The end of the data connection alone is no success; the server's 2yz is (spec U-5).
    ///
    /// # Errors
    /// [`Error::Refused`] by the server, [`Error::Here`] if `into` fails, and whatever can
    /// break on the way. `into` may then hold a part of the file.
    pub async fn get(
        &mut self,
        path: &Pathname,
        into: &mut (impl AsyncWrite + Send + Unpin),
    ) -> Result<u64, Error> {
        self.ensure_image().await?;
        let bytes = self
            .incoming("RETR", Command::Retr(path.clone()), into, 0, u64::MAX)
            .await?;
        into.flush()
            .await
            .map_err(|source| self.here("RETR", source))?;
        Ok(bytes)
    }

    /// STOR: the file becomes what `from` gives until its end. Returns its length.
    ///
    /// # Errors
    /// As [`ControlConn::get`].
    pub async fn put(
        &mut self,
        path: &Pathname,
        from: &mut (impl AsyncRead + Send + Unpin),
    ) -> Result<u64, Error> {
        self.outgoing("STOR", Command::Stor(path.clone()), from, 0)
            .await
    }

    /// REST and RETR: the octets from `offset` on go to `into`. Returns how many they were.
    ///
    /// # Errors
    /// As [`ControlConn::get`].
    pub async fn get_from(
        &mut self,
        path: &Pathname,
        offset: u64,
        into: &mut (impl AsyncWrite + Send + Unpin),
    ) -> Result<u64, Error> {
        self.ensure_image().await?;
        let command = Command::Retr(path.clone());
        let bytes = self
            .incoming("RETR", command, into, offset, u64::MAX)
            .await?;
        into.flush()
            .await
            .map_err(|source| self.here("RETR", source))?;
        Ok(bytes)
    }

    /// REST and STOR: the file from `offset` on becomes what `from` gives. Returns how much.
    ///
    /// # Errors
    /// As [`ControlConn::get`].
    pub async fn put_from(
        &mut self,
        path: &Pathname,
        offset: u64,
        from: &mut (impl AsyncRead + Send + Unpin),
    ) -> Result<u64, Error> {
        let command = Command::Stor(path.clone());
        self.outgoing("STOR", command, from, offset).await
    }

    /// APPE: the file grows by what `from` gives until its end. Returns how much that was.
    ///
    /// # Errors
    /// As [`ControlConn::get`].
    pub async fn append(
        &mut self,
        path: &Pathname,
        from: &mut (impl AsyncRead + Send + Unpin),
    ) -> Result<u64, Error> {
        self.outgoing("APPE", Command::Appe(path.clone()), from, 0)
            .await
    }

    /// A whole listing, bounded by [`Limits::listing_bytes`](crate::Limits::listing_bytes).
    pub(crate) async fn listing(
        &mut self,
        step: &'static str,
        command: Command,
    ) -> Result<Vec<u8>, Error> {
        let mut text = Vec::new();
        let limit = self.environment.limits.listing_bytes as u64;
        self.incoming(step, command, &mut text, 0, limit).await?;
        Ok(text)
    }

    async fn incoming(
        &mut self,
        step: &'static str,
        command: Command,
        into: &mut (impl AsyncWrite + Send + Unpin),
        offset: u64,
        limit: u64,
    ) -> Result<u64, Error> {
        let mut link = self.begin(step, command, offset).await?;
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut bytes = 0;
        loop {
            let count = match self.moved(&mut link, Half::Read(&mut buffer)).await {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => return Err(self.halted(link, error).await),
            };
            bytes += count as u64;
            if bytes > limit {
                return Err(self.misbehaved(format!("it sends more than {limit} bytes")));
            }
            if let Err(source) = into
                .write_all(buffer.get(..count).unwrap_or_default())
                .await
            {
                drop(link.connection);
                self.finish(step, link.ticket, link.answered).await.ok();
                return Err(self.here(step, source));
            }
        }
        self.close_incoming(link).await?;
        Ok(bytes)
    }

    async fn outgoing(
        &mut self,
        step: &'static str,
        command: Command,
        from: &mut (impl AsyncRead + Send + Unpin),
        offset: u64,
    ) -> Result<u64, Error> {
        self.ensure_image().await?;
        let mut link = self.begin(step, command, offset).await?;
        // Whatever ends this before the file does, this process's death included, must not look
        // like the end of the file.
        link.connection.reset_on_death(true);
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut bytes = 0;
        loop {
            let count = match from.read(&mut buffer).await {
                Ok(0) => break,
                Ok(count) => count,
                Err(source) => {
                    // A reset, not an orderly end: what was sent must not pass for the whole.
                    link.connection.reset();
                    self.finish(step, link.ticket, link.answered).await.ok();
                    return Err(self.here(step, source));
                }
            };
            let mut rest = buffer.get(..count).unwrap_or_default();
            while !rest.is_empty() {
                let sent = match self.moved(&mut link, Half::Write(rest)).await {
                    Ok(sent) => sent,
                    Err(error) => return Err(self.halted(link, error).await),
                };
                bytes += sent as u64;
                rest = rest.get(sent..).unwrap_or_default();
            }
        }
        self.close_outgoing(link).await?;
        Ok(bytes)
    }

    /// Opens the data connection and sends the transfer command; a refusal that comes with no
    /// byte is found by the first [`ControlConn::moved`].
    pub(crate) async fn begin(
        &mut self,
        step: &'static str,
        command: Command,
        offset: u64,
    ) -> Result<Link, Error> {
        self.be_tls_server().await?;
        let connection = self.open_data().await?;
        if offset > 0 {
            let restart = Command::Rest(RestartPoint::Offset(offset));
            let reply = self.command(restart).await?;
            if !reply.code().is_intermediate() {
                return Err(self.refused("REST", reply, ""));
            }
        }
        let ticket = self.send(&command).await?;
        let link = Link {
            step,
            connection,
            ticket,
            answered: None,
        };
        match self.tls.clone() {
            None => Ok(link),
            Some(tls) => Box::pin(self.protect(link, &tls)).await,
        }
    }

    /// Reads or writes once on the data connection, while the control connection may say no.
    pub(crate) async fn moved(&mut self, link: &mut Link, half: Half<'_>) -> Result<usize, Error> {
        let environment = self.environment.clone();
        let limit = environment.limits.data_stall;
        let step = link.step;
        let connection = &mut link.connection;
        let piece = environment
            .pace
            .as_ref()
            .map_or(usize::MAX, |pace| pace.piece());
        let moving = async move {
            match half {
                Half::Read(buffer) => {
                    let end = piece.min(buffer.len());
                    connection
                        .read(buffer.get_mut(..end).unwrap_or_default())
                        .await
                }
                Half::Write(bytes) => {
                    match connection.write(bytes.get(..piece).unwrap_or(bytes)).await {
                        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                        sent => sent,
                    }
                }
            }
        };
        tokio::pin!(moving);
        let stall = environment.world.clock.sleep(limit);
        tokio::pin!(stall);
        loop {
            tokio::select! {
                biased;
                // Octets may come without a pause; a refusal and the person are heard all the same.
                () = environment.interrupt.tripped() => return Err(self.stop_wanted()),
                received = self.receive(), if link.answered.is_none() => {
                    link.answered = self.heard(link.ticket, received?)?;
                    if let Some(reply) = link.answered.take_if(|reply| is_refusal(reply)) {
                        return Err(self.refused(step, reply, ""));
                    }
                }
                moved = &mut moving => {
                    let ticket = link.ticket;
                    return match moved {
                        Ok(count) => {
                            self.data_bytes += count as u64;
                            environment.observer.moved(count as u64);
                            match pause(&environment, count).await {
                                true => Ok(count),
                                false => Err(self.stop_wanted()),
                            }
                        }
                        Err(source) => {
                            Err(self.broken(step, ticket, &link.answered, source).await)
                        }
                    };
                }
                () = &mut stall => return Err(self.silent(limit)),
            }
        }
    }

    pub(super) fn heard(
        &mut self,
        ticket: Ticket,
        received: Received,
    ) -> Result<Option<Reply>, Error> {
        match received {
            Received::Final {
                ticket: answered,
                reply,
            } if answered >= ticket => Ok(Some(reply)),
            Received::Final { .. } => Ok(None),
            Received::Preliminary { .. } => self.one_more_preliminary().map(|()| None),
            Received::Closing(reply) => Err(self.closing(reply)),
            Received::Unexpected(reply) => Err(self.unexpected(&reply)),
        }
    }

    /// The data connection broke; the server's reply, if one comes, says why.
    pub(super) async fn broken(
        &mut self,
        step: &'static str,
        ticket: Ticket,
        answered: &Option<Reply>,
        source: io::Error,
    ) -> Error {
        let server = self.name().to_owned();
        if answered.is_some() {
            return Error::DataConnection {
                server,
                step,
                source,
            };
        }
        match self.wait_for(ticket, self.environment.limits.reply).await {
            Ok(reply) if is_refusal(&reply) => self.refused(step, reply, ""),
            Ok(_) => Error::DataConnection {
                server,
                step,
                source,
            },
            Err(error) => error,
        }
    }

    /// The final reply, which alone means success.
    pub(crate) async fn finish(
        &mut self,
        step: &'static str,
        ticket: Ticket,
        answered: Option<Reply>,
    ) -> Result<(), Error> {
        let reply = match answered {
            Some(reply) => reply,
            None => {
                self.wait_for(ticket, self.environment.limits.straggler)
                    .await?
            }
        };
        self.completed(step, reply, "").map(|_| ())
    }

    /// After a failure of [`ControlConn::moved`]: if the person stopped it, the server is told.
    pub(crate) async fn halted(&mut self, link: Link, error: Error) -> Error {
        if matches!(error, Error::Stopped { .. }) {
            self.abort(link).await;
        }
        error
    }

    /// ABOR, and the data connection is reset, so that what was sent does not pass for the whole.
    /// The connection is in step afterwards, or of no use.
    pub(crate) async fn abort(&mut self, link: Link) {
        let sent = self.send(&Command::Abor).await;
        link.connection.reset();
        self.aborted(sent).await;
    }

    /// Waits for the answer to ABOR.
    pub(super) async fn aborted(&mut self, sent: Result<Ticket, Error>) {
        if let Ok(ticket) = sent {
            let limit = self.environment.limits.abort;
            let _out_of_use = self.wait_through(ticket, limit).await;
        }
    }

    fn here(&self, step: &'static str, source: io::Error) -> Error {
        Error::Here {
            server: self.name().to_owned(),
            step,
            source,
        }
    }
}

/// One transfer that runs.
pub(crate) struct Link {
    pub(super) step: &'static str,
    pub(crate) connection: Box<dyn Connection>,
    pub(crate) ticket: Ticket,
    /// The final reply, if it came before the end of the data.
    pub(crate) answered: Option<Reply>,
}

/// What to do once on a data connection.
pub(crate) enum Half<'a> {
    Read(&'a mut [u8]),
    Write(&'a [u8]),
}

/// So long that the rate is kept; `false` if the person stops.
async fn pause(environment: &Environment, count: usize) -> bool {
    let Some(pace) = &environment.pace else {
        return true;
    };
    let clock = &environment.world.clock;
    tokio::select! {
        biased;
        () = environment.interrupt.tripped() => false,
        () = clock.sleep(pace.take(clock.now(), count)) => true,
    }
}

pub(super) fn is_refusal(reply: &Reply) -> bool {
    !reply.code().is_completion()
}

/// As much as one read may take; larger gains nothing measurable.
pub(crate) const BUFFER_BYTES: usize = 64 << 10;
