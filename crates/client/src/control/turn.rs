//! Commands sent ahead: many on their way out while replies come in, on one connection.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, ready};

use bytes::{Buf as _, BytesMut};
use thirdhost_proto::user::{Received, Ticket};
use thirdhost_wire::Command;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio_util::codec::Decoder as _;

use crate::{ControlConn, Error};

impl ControlConn {
    /// Puts a command behind those in `outgoing`, which [`ControlConn::turn`] sends.
    pub(crate) fn send_ahead(
        &mut self,
        command: &Command,
        outgoing: &mut BytesMut,
    ) -> Result<Ticket, Error> {
        let sent = self.before_send(command.verb().code(), |pi| pi.send(command))?;
        let mut line = Vec::new();
        command.encode(&mut line);
        self.show(command, &line);
        outgoing.extend_from_slice(&line);
        Ok(sent)
    }

    /// Sends some of `outgoing` or reads a reply, whichever is possible first; none when
    /// something was sent. Never waits for the server to read while it waits to be read.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn turn(
        &mut self,
        outgoing: &mut BytesMut,
    ) -> Result<Option<Received>, Error> {
        if self.broken {
            return Err(self.lost(None));
        }
        let has_reply = self.decoded()?;
        if let Some(received) = has_reply {
            return Ok(Some(received));
        }
        let connection = &mut self.connection;
        let received = &mut self.received;
        let moved = poll_fn(|context| {
            if !outgoing.is_empty() {
                if let Poll::Ready(sent) = Pin::new(&mut *connection).poll_write(context, outgoing)
                {
                    let sent = sent?;
                    outgoing.advance(sent);
                    // What is held back below goes out with the next turn at the latest.
                    let _later = Pin::new(&mut *connection).poll_flush(context)?;
                    return Poll::Ready(Ok((sent, 0)));
                }
            } else {
                let _later = Pin::new(&mut *connection).poll_flush(context)?;
            }
            let mut space = [0; READ_BYTES];
            let mut read = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut *connection).poll_read(context, &mut read))?;
            received.extend_from_slice(read.filled());
            Poll::Ready(Ok::<_, std::io::Error>((0, read.filled().len())))
        });
        match moved.await {
            Ok((0, 0)) => {
                self.broken = true;
                Err(self.lost(None))
            }
            Ok((sent, read)) => {
                self.passed(sent, read);
                match read {
                    0 => Ok(None),
                    _ => self.decoded(),
                }
            }
            Err(source) => {
                self.broken = true;
                Err(self.lost(Some(source)))
            }
        }
    }

    /// Replies to what has been sent so far are not waited for: nobody asks any more.
    pub(crate) fn ignore_until(&mut self, last: Ticket) {
        self.ignored = Some(last);
    }

    /// The next reply that somebody asks for, if one has come wholly.
    pub(crate) fn decoded(&mut self) -> Result<Option<Received>, Error> {
        loop {
            match self.codec.decode(&mut self.received) {
                Ok(None) if self.is_endless() => {
                    return Err(self.misbehaved("its reply does not end"));
                }
                Ok(None) => return Ok(None),
                Ok(Some(reply)) => {
                    if let Some(received) = self.understood(reply) {
                        return Ok(Some(received));
                    }
                }
                Err(source) => {
                    self.broken = true;
                    return Err(Error::NotAReply {
                        server: self.name().to_owned(),
                        step: self.step,
                        source,
                    });
                }
            }
        }
    }
}

/// A hundred replies at once.
const READ_BYTES: usize = 8 * 1024;
