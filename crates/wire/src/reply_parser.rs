//! Lines become replies. RFC 959 section 4.2.

use crate::{Reply, ReplyCode};

/// Puts the lines of a reply together.
///
/// Only a line with the code of the first and a space (or nothing) behind it ends a reply. Inner
/// lines may begin with a space, with the code and a hyphen, or with anything else: servers differ.
#[derive(Debug, Default)]
pub struct ReplyParser {
    open: Option<Open>,
}

/// Why lines are no reply. The connection is of no use afterwards.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The first line does not begin with three digits and a space or a hyphen.
    #[error("the server's line does not begin with a reply code")]
    NoCode,
    /// The code is outside 100 to 599.
    #[error("the server's reply code is outside 100 to 599")]
    CodeOutOfRange,
    /// A line is longer than [`REPLY_LINE_BYTES_MAX`].
    #[error("a line of the server's reply is too long")]
    LineTooLong,
    /// The reply has more lines than [`REPLY_LINES_MAX`].
    #[error("the server's reply has too many lines")]
    TooManyLines,
    /// The reply has more octets than [`REPLY_BYTES_MAX`].
    #[error("the server's reply is too long")]
    TooLong,
}

impl ReplyParser {
    /// A parser that waits for the first line of a reply.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one line, without its CRLF. A reply comes with its last line.
    ///
    /// Octets that are not UTF-8 become U+FFFD, control characters `?`.
    ///
    /// # Errors
    ///
    /// When the lines are no reply, or exceed a bound. What was held is dropped.
    pub fn feed(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let open = self.open.take();
        if line.len() > REPLY_LINE_BYTES_MAX {
            return Err(ReplyError::LineTooLong);
        }
        match open {
            None => self.first(line),
            Some(open) => self.next(open, line),
        }
    }

    /// Whether a reply has begun and not ended.
    #[must_use]
    pub fn is_within_reply(&self) -> bool {
        self.open.is_some()
    }

    fn first(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let (code, rest) = split_code(line).ok_or(ReplyError::NoCode)?;
        let code = ReplyCode::new(code).ok_or(ReplyError::CodeOutOfRange)?;
        match rest.split_first() {
            None => Ok(Some(Reply::from_lines(code, vec![String::new()]))),
            Some((b' ', text)) => Ok(Some(Reply::from_lines(code, vec![to_text(text)]))),
            Some((b'-', text)) => {
                self.open = Some(Open {
                    code,
                    lines: vec![to_text(text)],
                    bytes: text.len(),
                });
                Ok(None)
            }
            Some(_) => Err(ReplyError::NoCode),
        }
    }

    fn next(&mut self, mut open: Open, line: &[u8]) -> Result<Option<Reply>, ReplyError> {
        open.bytes += line.len();
        if open.bytes > REPLY_BYTES_MAX {
            return Err(ReplyError::TooLong);
        }
        if open.lines.len() >= REPLY_LINES_MAX {
            return Err(ReplyError::TooManyLines);
        }
        let (text, is_last) = match split_code(line) {
            Some((code, rest)) if code == open.code.number() => match rest.split_first() {
                None => (rest, true),
                Some((b' ', text)) => (text, true),
                Some((b'-', text)) => (text, false),
                Some(_) => (line, false),
            },
            _ => (line.strip_prefix(b" ").unwrap_or(line), false),
        };
        open.lines.push(to_text(text));
        if is_last {
            return Ok(Some(Reply::from_lines(open.code, open.lines)));
        }
        self.open = Some(open);
        Ok(None)
    }
}

/// A reply whose last line has not come.
#[derive(Debug)]
struct Open {
    code: ReplyCode,
    lines: Vec<String>,
    bytes: usize,
}

fn split_code(line: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    digits
        .iter()
        .try_fold(0, |code, octet| {
            octet
                .is_ascii_digit()
                .then(|| code * 10 + u16::from(octet - b'0'))
        })
        .map(|code| (code, rest))
}

fn to_text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// The longest line of a reply, without CRLF, that is taken from a server. What others take.
pub const REPLY_LINE_BYTES_MAX: usize = 8192;
/// The most lines of one reply that are taken from a server; STAT of a directory is the longest.
pub const REPLY_LINES_MAX: usize = 1024;
/// The most octets of one reply that are held.
pub const REPLY_BYTES_MAX: usize = 262_144;

#[cfg(test)]
mod tests;
