//! The control connection: bytes in, lines out; replies in, bytes out. RFC 959 section 2.2.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt as _;
use thirdhost_sockets::Clock;
use thirdhost_wire::{Command, CommandError, LINE_BYTES_MAX, LineDecoder, LineEvent, Reply};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::stream::ControlStream;
use crate::limits;

/// One control connection, with what has been read and not yet served, and what has been said
/// and not yet sent.
#[derive(Debug)]
pub(super) struct Control {
    peer: SocketAddr,
    local: SocketAddr,
    protected: bool,
    /// None while TLS begins or ends.
    stream: Option<ControlStream>,
    decoder: LineDecoder,
    input: Vec<u8>,
    taken: usize,
    /// Whether something has come that nobody has asked about.
    fresh: bool,
    output: Vec<u8>,
    /// Whether the layers below may hold back what has been written.
    unflushed: bool,
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
    pub(super) fn new(stream: ControlStream) -> Self {
        let (connection, protected) = (stream.connection(), stream.is_protected());
        let (peer, local) = (connection.peer(), connection.local());
        Self {
            peer,
            local,
            protected,
            stream: Some(stream),
            decoder: LineDecoder::new(LINE_BYTES_MAX),
            input: Vec::new(),
            taken: 0,
            fresh: false,
            output: Vec::new(),
            unflushed: false,
            output_since: None,
        }
    }

    /// Takes what the connection runs over, to put TLS on it or to end it.
    pub(super) fn take_stream(&mut self) -> Option<ControlStream> {
        self.stream.take()
    }

    /// Goes on over `stream`; of what came before nothing is left, half a line included.
    pub(super) fn put_stream(&mut self, stream: ControlStream) {
        self.protected = stream.is_protected();
        self.stream = Some(stream);
        self.decoder = LineDecoder::new(LINE_BYTES_MAX);
        self.input.clear();
        self.taken = 0;
    }

    /// Reads once, if input is wanted, or writes once, if there is output that is not held back;
    /// waits for whichever is possible first. False when the user has closed.
    ///
    /// # Cancel safety
    /// Cancel safe: what was read is kept for [`Self::next_line`], what was not sent stays.
    pub(super) async fn turn(&mut self, wants_input: bool, holds: bool) -> io::Result<bool> {
        if self.taken == self.input.len() {
            // Nothing is held while nothing comes: ten thousand sessions idle.
            self.input = Vec::new();
            self.taken = 0;
        }
        let has_output = self.has_output() && !holds;
        let Some(stream) = &mut self.stream else {
            return std::future::pending().await;
        };
        let done = poll_fn(|cx| {
            if has_output && let Poll::Ready(sent) = send_some(stream, &self.output, cx) {
                return Poll::Ready(sent.map(Turn::Sent));
            }
            if wants_input && let Poll::Ready(read) = read_some(stream, &mut self.input, cx) {
                return Poll::Ready(read.map(Turn::Read));
            }
            Poll::Pending
        });
        match done.await? {
            Turn::Sent(sent) => {
                self.sent(sent);
                Ok(true)
            }
            Turn::Read(read) => {
                self.fresh = true;
                Ok(read > 0)
            }
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
                LineEvent::OtherProtocol => Err(CommandError::OtherProtocol),
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

    /// Says all that has been answered, and that no more will be; the user sees an orderly end,
    /// unless he takes longer for it than [`FAREWELL`](limits::FAREWELL).
    pub(super) async fn shutdown(&mut self, clock: &dyn Clock) -> io::Result<()> {
        let mut ending = pin!(self.say_the_rest());
        if let Some(ended) = ending.as_mut().now_or_never() {
            return ended;
        }
        tokio::select! {
            biased;
            ended = ending => ended,
            () = clock.sleep(limits::FAREWELL) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Whether the user is gone, though commands that he sent before are still unread.
    pub(super) fn has_ended(&self) -> bool {
        let stream = self.stream.as_ref();
        stream.is_some_and(|stream| stream.connection().has_ended())
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
        !self.output.is_empty() || self.unflushed
    }

    /// Whether something has been read since this was asked last.
    pub(super) fn has_heard(&mut self) -> bool {
        std::mem::take(&mut self.fresh)
    }

    /// Whether something has been read that is not served yet.
    pub(super) fn has_input(&self) -> bool {
        self.taken < self.input.len()
    }

    /// Whether what is to be said would not fill a packet.
    pub(super) fn has_little_output(&self) -> bool {
        self.output.len() < PACKET_BYTES
    }

    /// Whether the user owes us reading: no more commands are taken, and no restart markers told,
    /// until replies are gone.
    pub(super) fn is_clogged(&self) -> bool {
        self.output.len() > OUTPUT_BYTES_MAX
    }

    /// Whether TLS protects the connection.
    pub(super) fn is_protected(&self) -> bool {
        self.protected
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    /// He may only have closed his own direction, and read on: what has been done is told.
    async fn say_the_rest(&mut self) -> io::Result<()> {
        while self.has_output() {
            let Some(stream) = &mut self.stream else {
                return Ok(());
            };
            let sent = poll_fn(|cx| send_some(stream, &self.output, cx)).await?;
            self.sent(sent);
        }
        let has_ended = self.has_ended();
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        stream.shutdown().await?;
        let mut left = if has_ended {
            limits::UNREAD_BYTES_MAX
        } else {
            0
        };
        while left > 0 {
            let mut unread = Vec::new();
            match poll_fn(|cx| read_some(stream, &mut unread, cx)).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        Ok(())
    }

    fn sent(&mut self, sent: usize) {
        if self.output.is_empty() {
            self.unflushed = false;
            self.output_since = None;
            return;
        }
        self.unflushed = true;
        self.output.drain(..sent);
        if self.output.is_empty() {
            self.output = Vec::new();
        }
    }

    fn say(&mut self, now: Duration, bytes: &[u8]) {
        self.output_since.get_or_insert(now);
        self.output.extend_from_slice(bytes);
    }
}

/// What was done in one turn, and how many bytes of it.
enum Turn {
    Sent(usize),
    Read(usize),
}

/// Writes some of `output`, or, when there is none, pushes out what was written before.
fn send_some(
    stream: &mut ControlStream,
    output: &[u8],
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    if output.is_empty() {
        ready!(Pin::new(stream).poll_flush(cx))?;
        return Poll::Ready(Ok(0));
    }
    match ready!(Pin::new(stream).poll_write(cx, output))? {
        0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        sent => Poll::Ready(Ok(sent)),
    }
}

/// There is room only while there is something to read.
fn read_some(
    stream: &mut ControlStream,
    input: &mut Vec<u8>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut room = [MaybeUninit::uninit(); READ_BYTES];
    let mut room = ReadBuf::uninit(&mut room);
    ready!(Pin::new(stream).poll_read(cx, &mut room))?;
    input.extend_from_slice(room.filled());
    Poll::Ready(Ok(room.filled().len()))
}

/// How much is read at once: a few dozen commands. It is room on the stack, for as long as it is
/// read.
const READ_BYTES: usize = 2048;

/// What goes in one packet on most ways.
const PACKET_BYTES: usize = 1_400;

/// Above this, a user who sends commands and reads no replies is not listened to any more.
const OUTPUT_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use thirdhost_sockets::World;
    use thirdhost_wire::ReplyCode;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::dtp::testing::ends;

    /// A firewall on the way reads segments, not streams: half a reply may look like another.
    //= security#S-62
    //= type=test
    #[tokio::test]
    async fn each_reply_goes_out_in_one_write() {
        let (ours, mut theirs, spy) = ends();
        let mut control = Control::new(ControlStream::Clear(Box::new(ours)));
        let lines = (0..200).map(|number| format!("LINE {number}"));
        let long = Reply::multi(ReplyCode::new(211).unwrap(), "Many", lines, "End");
        let mut expected = Vec::new();
        long.encode(&mut expected);
        for writes in 1..4 {
            control.reply(Duration::ZERO, &long);
            while control.has_output() {
                assert!(control.turn(false, false).await.unwrap());
            }
            assert_eq!(spy.writes(), writes);
            let mut heard = vec![0; expected.len()];
            theirs.read_exact(&mut heard).await.unwrap();
            assert!(heard == expected);
        }
    }

    /// He may only have closed his own direction, and reads on.
    #[tokio::test]
    async fn what_was_held_back_is_said_to_a_user_who_says_no_more() {
        let (ours, mut theirs, _) = ends();
        let mut control = Control::new(ControlStream::Clear(Box::new(ours)));
        let reply = Reply::new(ReplyCode::new(257).unwrap(), "Made.");
        control.reply(Duration::ZERO, &reply);
        theirs.shutdown().await.unwrap();
        assert!(!control.turn(true, true).await.unwrap(), "that was all");
        control.shutdown(&*World::real().clock).await.unwrap();
        drop(control);
        let mut heard = String::new();
        theirs.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "257 Made.\r\n");
    }

    #[tokio::test]
    async fn what_was_held_back_goes_out_with_what_comes_behind() {
        let (ours, _theirs, spy) = ends();
        let mut control = Control::new(ControlStream::Clear(Box::new(ours)));
        let reply = Reply::new(ReplyCode::new(257).unwrap(), "Made.");
        control.reply(Duration::ZERO, &reply);
        assert!(control.turn(false, true).now_or_never().is_none());
        control.reply(Duration::ZERO, &reply);
        while control.has_output() {
            assert!(control.turn(false, false).await.unwrap());
        }
        assert_eq!(spy.writes(), 1);
    }
}
