//! The control connection: bytes in, lines out; replies in, bytes out. RFC 959 section 2.2.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thirdhost_sockets::Connection;
use thirdhost_wire::{Command, CommandError, LINE_BYTES_MAX, LineDecoder, LineEvent, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

/// One control connection, with what has been read and not yet served, and what has been said
/// and not yet sent.
#[derive(Debug)]
pub(super) struct Control {
    peer: SocketAddr,
    local: SocketAddr,
    reader: ReadHalf<Box<dyn Connection>>,
    writer: WriteHalf<Box<dyn Connection>>,
    decoder: LineDecoder,
    input: Vec<u8>,
    taken: usize,
    output: Vec<u8>,
    output_since: Option<Duration>,
}

/// What came over the control connection.
#[derive(Debug)]
pub(super) enum Line {
    /// A command, or a line that is none.
    Command(Result<Command, CommandError>),
    /// The peer plays with Telnet options; the session ends (spec S-40).
    TelnetAbuse,
}

impl Control {
    pub(super) fn new(connection: Box<dyn Connection>) -> Self {
        let (peer, local) = (connection.peer(), connection.local());
        let (reader, writer) = tokio::io::split(connection);
        Self {
            peer,
            local,
            reader,
            writer,
            decoder: LineDecoder::new(LINE_BYTES_MAX),
            input: Vec::new(),
            taken: 0,
            output: Vec::new(),
            output_since: None,
        }
    }

    /// Reads once, if input is wanted, or writes once, if there is output; waits for whichever
    /// is possible first. False when the user has closed.
    ///
    /// # Cancel safety
    /// Cancel safe: what was read is kept for [`Self::next_line`], what was not sent stays.
    pub(super) async fn turn(&mut self, wants_input: bool) -> io::Result<bool> {
        if self.taken == self.input.len() {
            self.input.clear();
            self.taken = 0;
        }
        tokio::select! {
            biased;
            sent = self.writer.write(&self.output), if !self.output.is_empty() => {
                self.sent(sent?).await?;
                Ok(true)
            }
            read = read_some(&mut self.reader, &mut self.input), if wants_input => Ok(read? > 0),
            else => std::future::pending().await,
        }
    }

    /// The next whole line among the bytes read.
    pub(super) fn next_line(&mut self, now: Duration) -> Option<Line> {
        loop {
            let mut rest = self.input.get(self.taken..).unwrap_or_default();
            let event = self.decoder.decode(&mut rest);
            self.taken = self.input.len() - rest.len();
            let line = match event? {
                LineEvent::Line(line) => Command::parse(&line),
                LineEvent::TooLong => Err(CommandError::LineTooLong),
                LineEvent::ForbiddenOctet => Err(CommandError::ForbiddenOctet),
                LineEvent::TelnetAnswer(answer) => {
                    self.say(now, &answer);
                    continue;
                }
                // Kinds of events that are not known here yet end the session, to be safe.
                _ => return Some(Line::TelnetAbuse),
            };
            return Some(Line::Command(line));
        }
    }

    /// Queues a reply.
    pub(super) fn reply(&mut self, now: Duration, reply: &Reply) {
        let mut bytes = Vec::new();
        reply.encode(&mut bytes);
        self.say(now, &bytes);
    }

    /// Says that no more will be said; the user sees an orderly end.
    pub(super) async fn shutdown(&mut self) -> io::Result<()> {
        self.writer.shutdown().await
    }

    /// How many bytes have been read and not yet served.
    pub(super) fn ahead(&self) -> usize {
        self.input.len().saturating_sub(self.taken)
    }

    /// Since when replies have been waiting for a user who does not read.
    pub(super) fn output_since(&self) -> Option<Duration> {
        self.output_since
    }

    /// Whether replies wait to be sent.
    pub(super) fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Whether the user owes us reading: no more commands are taken until replies are gone.
    pub(super) fn is_clogged(&self) -> bool {
        self.output.len() > OUTPUT_BYTES_MAX
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    async fn sent(&mut self, sent: usize) -> io::Result<()> {
        if sent == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.output.drain(..sent);
        if self.output.is_empty() {
            self.output = Vec::new();
            self.output_since = None;
            self.writer.flush().await?;
        }
        Ok(())
    }

    fn say(&mut self, now: Duration, bytes: &[u8]) {
        self.output_since.get_or_insert(now);
        self.output.extend_from_slice(bytes);
    }
}

async fn read_some(
    reader: &mut ReadHalf<Box<dyn Connection>>,
    input: &mut Vec<u8>,
) -> io::Result<usize> {
    input.reserve(READ_BYTES);
    reader.read_buf(input).await
}

/// How much is read at once: a handful of commands; small, because ten thousand sessions idle.
const READ_BYTES: usize = 512;

/// Above this, a user who sends commands and reads no replies is not listened to any more.
const OUTPUT_BYTES_MAX: usize = 64 * 1024;
