//! Codecs for tokio-util's `Framed`: commands in and replies out, or the other way round.

use std::io;

use bytes::{Buf, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::{
    Command, CommandError, LINE_BYTES_MAX, LineDecoder, LineEvent, REPLY_LINE_BYTES_MAX, Reply,
    ReplyError, ReplyParser,
};

/// The server's end of a control connection: decodes commands, encodes replies.
///
/// It holds at most one line of [`LINE_BYTES_MAX`] octets.
#[derive(Debug)]
pub struct CommandCodec {
    lines: LineDecoder,
}

/// What came from the user.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Received {
    /// A command.
    Command(Command),
    /// A line that is none; answer it, and go on.
    Bad(CommandError),
    /// A Telnet option is negotiated; send these octets, which refuse it.
    TelnetAnswer([u8; 3]),
}

/// The user's end of a control connection: decodes replies, encodes commands.
///
/// It holds at most one reply of [`REPLY_BYTES_MAX`](crate::REPLY_BYTES_MAX) octets. Telnet
/// options that a server negotiates are taken out and left unanswered.
#[derive(Debug)]
pub struct ReplyCodec {
    lines: LineDecoder,
    replies: ReplyParser,
}

/// Why a control connection is of no further use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The peer sent too many or too long Telnet negotiations.
    #[error("the peer abuses Telnet negotiation")]
    TelnetAbuse,
    /// The server sent something that is no reply.
    #[error("malformed reply")]
    Reply(#[from] ReplyError),
    /// A line of the server's reply holds a NUL, or a bare LF where that is not allowed.
    #[error("the server's reply holds a bare line feed or a NUL")]
    ForbiddenOctet,
    /// The connection ended within a reply.
    #[error("the server closed the control connection within a reply")]
    Truncated,
    /// The connection failed.
    #[error("the control connection failed")]
    Io(#[from] io::Error),
}

impl CommandCodec {
    /// A codec in front of the first line.
    #[must_use]
    pub fn new() -> Self {
        Self {
            lines: LineDecoder::new(LINE_BYTES_MAX),
        }
    }
}

impl Default for CommandCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder for CommandCodec {
    type Item = Received;
    type Error = CodecError;

    fn decode(&mut self, octets: &mut BytesMut) -> Result<Option<Received>, CodecError> {
        let Some(event) = next_event(&mut self.lines, octets) else {
            return Ok(None);
        };
        Ok(Some(match event {
            LineEvent::Line(line) => match Command::parse(&line) {
                Ok(command) => Received::Command(command),
                Err(error) => Received::Bad(error),
            },
            LineEvent::TooLong => Received::Bad(CommandError::LineTooLong),
            LineEvent::ForbiddenOctet => Received::Bad(CommandError::ForbiddenOctet),
            LineEvent::OtherProtocol => Received::Bad(CommandError::OtherProtocol),
            LineEvent::TelnetAnswer(answer) => Received::TelnetAnswer(answer),
            LineEvent::TelnetAbuse => return Err(CodecError::TelnetAbuse),
        }))
    }
}

impl Encoder<Reply> for CommandCodec {
    type Error = CodecError;

    fn encode(&mut self, reply: Reply, out: &mut BytesMut) -> Result<(), CodecError> {
        let mut octets = Vec::new();
        reply.encode(&mut octets);
        out.extend_from_slice(&octets);
        Ok(())
    }
}

/// Sends the octets of [`Received::TelnetAnswer`].
impl Encoder<[u8; 3]> for CommandCodec {
    type Error = CodecError;

    fn encode(&mut self, answer: [u8; 3], out: &mut BytesMut) -> Result<(), CodecError> {
        out.extend_from_slice(&answer);
        Ok(())
    }
}

impl ReplyCodec {
    /// A codec in front of the first reply, for servers that end lines as they should.
    #[must_use]
    pub fn new() -> Self {
        Self {
            lines: LineDecoder::new(REPLY_LINE_BYTES_MAX),
            replies: ReplyParser::new(),
        }
    }

    /// As [`new`](Self::new), with the one leniency of [`LineDecoder::lenient`].
    #[must_use]
    pub fn lenient() -> Self {
        Self {
            lines: LineDecoder::lenient(REPLY_LINE_BYTES_MAX),
            ..Self::new()
        }
    }
}

impl Default for ReplyCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder for ReplyCodec {
    type Item = Reply;
    type Error = CodecError;

    fn decode(&mut self, octets: &mut BytesMut) -> Result<Option<Reply>, CodecError> {
        while let Some(event) = next_event(&mut self.lines, octets) {
            let reply = match event {
                LineEvent::Line(line) => self.replies.feed(&line)?,
                LineEvent::TooLong => return Err(ReplyError::LineTooLong.into()),
                LineEvent::ForbiddenOctet | LineEvent::OtherProtocol => {
                    return Err(CodecError::ForbiddenOctet);
                }
                LineEvent::TelnetAnswer(_) => None,
                LineEvent::TelnetAbuse => return Err(CodecError::TelnetAbuse),
            };
            if reply.is_some() {
                return Ok(reply);
            }
        }
        Ok(None)
    }

    fn decode_eof(&mut self, octets: &mut BytesMut) -> Result<Option<Reply>, CodecError> {
        let reply = self.decode(octets)?;
        let within = self.lines.is_within_line() || self.replies.is_within_reply();
        if reply.is_none() && within {
            return Err(CodecError::Truncated);
        }
        Ok(reply)
    }
}

impl Encoder<Command> for ReplyCodec {
    type Error = CodecError;

    fn encode(&mut self, command: Command, out: &mut BytesMut) -> Result<(), CodecError> {
        let mut octets = Vec::new();
        command.encode(&mut octets);
        out.extend_from_slice(&octets);
        Ok(())
    }
}

fn next_event(lines: &mut LineDecoder, octets: &mut BytesMut) -> Option<LineEvent> {
    let mut rest: &[u8] = octets;
    let event = lines.decode(&mut rest);
    let taken = octets.len() - rest.len();
    octets.advance(taken);
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ReplyCode, Verb};

    #[test]
    fn a_server_reads_commands_and_answers_bad_lines() {
        let mut codec = CommandCodec::new();
        let mut octets = BytesMut::from(&b"NOOP\r\n\xff\xfd\x06LSTN X\r\nRETR a\nb\r\n"[..]);
        octets.extend_from_slice(&[b'a'; LINE_BYTES_MAX + 1]);
        octets.extend_from_slice(b"\r\nQUI");
        let problem = "expected S (send) or R (receive)";
        for expected in [
            Some(Received::Command(Command::Noop)),
            Some(Received::TelnetAnswer([255, 252, 6])),
            Some(Received::Bad(CommandError::Argument {
                verb: Verb::Lstn,
                problem,
            })),
            Some(Received::Bad(CommandError::ForbiddenOctet)),
            Some(Received::Bad(CommandError::LineTooLong)),
            None,
        ] {
            assert_eq!(codec.decode(&mut octets).unwrap(), expected);
        }
        // A command cut off by the end of the connection is never acted upon.
        assert_eq!(codec.decode_eof(&mut octets).unwrap(), None);
    }

    #[test]
    fn telnet_abuse_ends_the_session() {
        let mut codec = CommandCodec::new();
        let mut octets = BytesMut::from(&[255, 250][..]);
        octets.extend_from_slice(&[b'a'; 513]);
        assert!(matches!(
            codec.decode(&mut octets),
            Err(CodecError::TelnetAbuse)
        ));
    }

    #[test]
    fn a_user_reads_replies() {
        let mut codec = ReplyCodec::new();
        let mut octets = BytesMut::from(&b"211-a\r\n b\r\n211 c\r\n\xff\xfb\x06200 ok\r\n2"[..]);
        assert_eq!(
            codec.decode(&mut octets).unwrap().unwrap().lines(),
            ["a", "b", "c"]
        );
        assert_eq!(codec.decode(&mut octets).unwrap().unwrap().text(), "ok");
        assert_eq!(codec.decode(&mut octets).unwrap(), None);
        assert!(matches!(
            codec.decode_eof(&mut octets),
            Err(CodecError::Truncated)
        ));
    }

    #[test]
    fn bare_line_feeds_end_replies_only_where_that_is_allowed() {
        let octets = || BytesMut::from(&b"200 ok\n200 ok\r\n"[..]);
        let strict = ReplyCodec::new().decode(&mut octets());
        assert!(matches!(strict, Err(CodecError::ForbiddenOctet)));
        let mut octets = octets();
        let mut lenient = ReplyCodec::lenient();
        assert!(lenient.decode(&mut octets).unwrap().is_some());
        assert!(lenient.decode(&mut octets).unwrap().is_some());
        assert!(lenient.decode_eof(&mut octets).unwrap().is_none());
    }

    #[test]
    fn what_one_end_writes_the_other_reads() {
        let (mut server, mut user) = (CommandCodec::new(), ReplyCodec::new());
        let mut octets = BytesMut::new();
        user.encode(Command::Feat, &mut octets).unwrap();
        assert_eq!(
            server.decode(&mut octets).unwrap(),
            Some(Received::Command(Command::Feat))
        );
        let reply = Reply::new(ReplyCode::DATA_SOCKET, "SOCK 5");
        server.encode([255, 254, 1], &mut octets).unwrap();
        server.encode(reply.clone(), &mut octets).unwrap();
        assert_eq!(user.decode(&mut octets).unwrap(), Some(reply));
        assert!(octets.is_empty());
    }

    #[test]
    fn an_answer_to_a_telnet_option_goes_out_as_it_is() {
        let mut out = BytesMut::from(&b"200 a"[..]);
        CommandCodec::new().encode([255, 252, 6], &mut out).unwrap();
        assert_eq!(out, &b"200 a\xff\xfc\x06"[..]);
    }
}
