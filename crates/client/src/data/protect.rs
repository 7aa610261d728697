//! The ends of a data connection: the TLS handshake, and the close that says "this is all".

use thirdhost_proto::user::Received;
use thirdhost_wire::Command;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::Link;
use super::transfer::is_refusal;
use crate::tls::TlsSession;
use crate::{ControlConn, Error};

impl ControlConn {
    /// Takes SSCN ON back: our own side is the TLS client (spec D-21).
    pub(super) async fn be_tls_server(&mut self) -> Result<(), Error> {
        if !self.is_tls_client {
            return Ok(());
        }
        let reply = self.command(Command::Sscn(Some(false))).await?;
        self.completed("SSCN OFF", reply, "")?;
        self.is_tls_client = false;
        Ok(())
    }

    /// The handshake, once the transfer command is out; the control connection may say no, and
    /// the time for it begins to count when the server says that it is under way.
    pub(super) async fn protect(&mut self, link: Link, tls: &TlsSession) -> Result<Link, Error> {
        let Link {
            step,
            connection,
            ticket,
            mut answered,
        } = link;
        let environment = self.environment.clone();
        let limits = &environment.limits;
        let mut limit = limits.reply;
        let mut over = environment.world.clock.sleep(limit);
        let mut handshake = Box::pin(tls.on_data(connection));
        loop {
            tokio::select! {
                biased;
                made = &mut handshake => {
                    return match made {
                        Ok(connection) => Ok(Link { step, connection, ticket, answered }),
                        Err(source) => {
                            let distrust = TlsSession::distrust(&source);
                            let said = self.broken(step, ticket, &answered, source).await;
                            Err(distrust.map_or(said, |why| Error::Distrusted {
                                server: self.name().to_owned(),
                                why: Box::new(why),
                            }))
                        }
                    };
                }
                received = self.receive(), if answered.is_none() => {
                    let received = received?;
                    if matches!(received, Received::Preliminary { .. }) {
                        limit = limits.handshake;
                        over = environment.world.clock.sleep(limit);
                    }
                    answered = self.heard(ticket, received)?;
                    if let Some(reply) = answered.take_if(|reply| is_refusal(reply)) {
                        return Err(self.refused(step, reply, ""));
                    }
                }
                () = &mut over => return Err(self.silent(limit)),
                () = environment.interrupt.tripped() => {
                    let sent = self.send(&Command::Abor).await;
                    drop(handshake);
                    self.aborted(sent).await;
                    return Err(self.stop_wanted());
                }
            }
        }
    }

    /// All has been read: the server hears so, and its reply is waited for, which alone means
    /// success. Closed before that: a server may wait for the close in turn.
    pub(crate) async fn close_incoming(&mut self, mut link: Link) -> Result<(), Error> {
        if self.tls.is_some() {
            let environment = self.environment.clone();
            let close_notify = link.connection.shutdown();
            // The reply says more than a failure here.
            let _said_by_reply = environment
                .within(environment.limits.handshake, close_notify)
                .await;
        }
        drop(link.connection);
        self.finish(link.step, link.ticket, link.answered).await
    }

    /// All has been written: the orderly end, and the server's reply, which alone means success.
    pub(crate) async fn close_outgoing(&mut self, mut link: Link) -> Result<(), Error> {
        link.connection.reset_on_death(false);
        // A failed end shows in the server's reply, which says more.
        let _said_by_reply = link.connection.shutdown().await;
        if self.tls.is_some() {
            self.read_out(&mut link).await?;
        }
        drop(link.connection);
        self.finish(link.step, link.ticket, link.answered).await
    }

    /// Reads what the server has said under TLS: tickets for the next data connection, and its
    /// close_notify. Closed with octets unread, the connection would be reset, and that could
    /// cost the file its tail.
    async fn read_out(&mut self, link: &mut Link) -> Result<(), Error> {
        let environment = self.environment.clone();
        let limit = environment.limits.straggler;
        let mut over = environment.world.clock.sleep(limit);
        let mut unread = [0; 256];
        while link.answered.is_none() {
            tokio::select! {
                biased;
                () = &mut over => return Err(self.silent(limit)),
                received = self.receive() => {
                    link.answered = self.heard(link.ticket, received?)?;
                }
                () = environment.interrupt.tripped() => return Err(self.stopped()),
                read = link.connection.read(&mut unread) => {
                    // Octets of a file on this way are nonsense; the reply judges.
                    if !matches!(read, Ok(1..)) {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}
