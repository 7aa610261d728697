//! Octets of a control connection become lines, within bounds and without Telnet commands.

use crate::telnet::{DM, Filtered, TelnetFilter};

/// Cuts a stream of octets into lines (spec, S-40 to S-43).
///
/// It performs no input: octets are put in with [`decode`](Self::decode), in pieces of any size,
/// and the events depend on the octets alone, never on where the pieces were cut. No more than
/// the limit is ever held.
#[derive(Debug)]
pub struct LineDecoder {
    telnet: TelnetFilter,
    line: Vec<u8>,
    limit_bytes: usize,
    bare_lf_ends: bool,
    fate: Fate,
    after_cr: bool,
    abused: bool,
}

/// What a [`LineDecoder`] found.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LineEvent {
    /// A line, without its CRLF. It holds no LF and no NUL; a CR in it came as CR NUL, or as a CR
    /// that no LF followed.
    Line(Vec<u8>),
    /// A line was longer than the limit; it was discarded whole (500, spec Q-5).
    TooLong,
    /// A line held a bare LF or a NUL; it was discarded whole (501, spec Q-4).
    ForbiddenOctet,
    /// A TLS record stands where a line should begin: the peer takes a port without TLS for one
    /// with it. Close (spec S-38); whatever follows is ignored.
    OtherProtocol,
    /// The peer negotiates a Telnet option; send these octets, which refuse it.
    TelnetAnswer([u8; 3]),
    /// Too many or too long Telnet negotiations: close. Whatever follows is ignored.
    TelnetAbuse,
}

impl LineDecoder {
    /// A decoder of lines that end in CRLF and have at most `limit_bytes` octets before it.
    #[must_use]
    pub fn new(limit_bytes: usize) -> Self {
        Self {
            telnet: TelnetFilter::default(),
            line: Vec::new(),
            limit_bytes,
            bare_lf_ends: false,
            fate: Fate::Good,
            after_cr: false,
            abused: false,
        }
    }

    /// As [`new`](Self::new), with one leniency: a bare LF ends a line too.
    ///
    /// For a client alone: some servers end their replies so. A server that took it would let a
    /// name with an LF in it carry a second command (spec Q-4).
    #[must_use]
    pub fn lenient(limit_bytes: usize) -> Self {
        Self {
            bare_lf_ends: true,
            ..Self::new(limit_bytes)
        }
    }

    /// Takes octets from the front of `input` up to the next event.
    ///
    /// `None` once all of `input` is taken and no event came of it; more octets are needed then.
    pub fn decode(&mut self, input: &mut &[u8]) -> Option<LineEvent> {
        while let Some((octet, rest)) = input.split_first() {
            *input = rest;
            if let Some(event) = self.take(*octet) {
                return Some(event);
            }
        }
        None
    }

    /// Whether a line has begun and not ended.
    #[must_use]
    pub fn is_within_line(&self) -> bool {
        !self.line.is_empty() || self.after_cr || self.fate != Fate::Good
    }

    fn take(&mut self, octet: u8) -> Option<LineEvent> {
        if self.abused {
            return None;
        }
        match self.telnet.filter(octet) {
            Filtered::Nothing => None,
            // Left of IAC DM when the mark came out of band (spec S-41).
            Filtered::Plain(DM) if !self.is_within_line() && !self.bare_lf_ends => None,
            Filtered::Plain(TLS_HANDSHAKE) if !self.is_within_line() && !self.bare_lf_ends => {
                self.abused = true;
                Some(LineEvent::OtherProtocol)
            }
            Filtered::Plain(octet) | Filtered::Quoted(octet) => self.octet(octet),
            Filtered::Answer(answer) => Some(LineEvent::TelnetAnswer(answer)),
            Filtered::Abuse => {
                self.abused = true;
                self.line = Vec::new();
                Some(LineEvent::TelnetAbuse)
            }
        }
    }

    fn octet(&mut self, octet: u8) -> Option<LineEvent> {
        if std::mem::take(&mut self.after_cr) {
            match octet {
                b'\n' => return Some(self.finish()),
                0 => {
                    self.push(b'\r');
                    return None;
                }
                _ => self.push(b'\r'),
            }
        }
        match octet {
            b'\r' => self.after_cr = true,
            b'\n' if self.bare_lf_ends => return Some(self.finish()),
            b'\n' | 0 => self.discard(Fate::Forbidden),
            _ => self.push(octet),
        }
        None
    }

    fn push(&mut self, octet: u8) {
        if self.fate != Fate::Good {
            return;
        }
        if self.line.len() < self.limit_bytes {
            self.line.push(octet);
        } else {
            self.discard(Fate::TooLong);
        }
    }

    fn discard(&mut self, fate: Fate) {
        if self.fate == Fate::Good {
            self.fate = fate;
            self.line = Vec::new();
        }
    }

    fn finish(&mut self) -> LineEvent {
        match std::mem::replace(&mut self.fate, Fate::Good) {
            Fate::Good => LineEvent::Line(std::mem::take(&mut self.line)),
            Fate::TooLong => LineEvent::TooLong,
            Fate::Forbidden => LineEvent::ForbiddenOctet,
        }
    }
}

/// What becomes of the line that is being read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    Good,
    TooLong,
    Forbidden,
}

/// The longest command line, without CRLF: PATH_MAX, which leaves room beside any sane pathname
/// (spec Q-5).
pub const LINE_BYTES_MAX: usize = 4096;

/// The first octet of a TLS record that holds a handshake (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

#[cfg(test)]
mod tests;
