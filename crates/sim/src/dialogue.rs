//! I4: each command gets exactly one final reply, in order. Seen from the server's end.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::BytesMut;
use thirdhost_wire::{Command, LINE_BYTES_MAX, LineDecoder, LineEvent, Reply, ReplyCodec};
use tokio_util::codec::Decoder;

use crate::trace::Trace;

/// What a server has read and written on one control connection.
#[derive(Debug)]
pub(crate) struct Dialogue {
    server: SocketAddr,
    user: SocketAddr,
    trace: Trace,
    lines: LineDecoder,
    replies: ReplyCodec,
    unparsed: BytesMut,
    /// Commands without their final reply, oldest first.
    owed: VecDeque<String>,
    was_greeted: bool,
    /// 221 or 421 has been said: what comes behind needs no answer.
    is_closing: bool,
}

impl Dialogue {
    pub(crate) fn new(server: SocketAddr, user: SocketAddr, trace: Trace) -> Self {
        Self {
            server,
            user,
            trace,
            lines: LineDecoder::new(LINE_BYTES_MAX),
            replies: ReplyCodec::new(),
            unparsed: BytesMut::new(),
            owed: VecDeque::new(),
            was_greeted: false,
            is_closing: false,
        }
    }

    /// The server has read `bytes`.
    pub(crate) fn heard(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(event) = self.lines.decode(&mut rest) {
            let verb = match event {
                LineEvent::Line(line) => match Command::parse(&line) {
                    Ok(command) => {
                        let text = match &command {
                            Command::Pass(_) => "PASS".to_owned(),
                            command => command.to_string(),
                        };
                        self.note(format_args!("{text}"));
                        verb_of(&text)
                    }
                    Err(_) => ANY.to_owned(),
                },
                LineEvent::TelnetAnswer(_) => continue,
                _ => ANY.to_owned(),
            };
            self.owed.push_back(verb);
        }
    }

    /// The server has written `bytes`.
    pub(crate) fn said(&mut self, bytes: &[u8]) {
        self.unparsed.extend_from_slice(bytes);
        loop {
            match self.replies.decode(&mut self.unparsed) {
                Ok(Some(reply)) => self.reply(&reply),
                Ok(None) => return,
                Err(error) => {
                    self.unparsed.clear();
                    return self.broken(format_args!("what is no reply: {error}"));
                }
            }
        }
    }

    /// Whether `bytes` are the reply that a file is in place.
    pub(crate) fn is_about_to_store(&self, bytes: &[u8]) -> bool {
        let is_store = self.owed.front().is_some_and(|verb| verb == "STOR");
        is_store && (bytes.starts_with(b"226") || bytes.starts_with(b"250"))
    }

    /// The server has closed the connection: in order and unasked, or otherwise.
    pub(crate) fn closed(&self, in_order: bool) {
        if in_order && !self.is_closing && !self.owed.is_empty() {
            let owed: Vec<&str> = self.owed.iter().map(String::as_str).collect();
            self.broken(format_args!("closed without an answer to {owed:?}"));
        }
    }

    fn reply(&mut self, reply: &Reply) {
        let code = reply.code().number();
        self.note(format_args!("    {code} {}", reply.text()));
        if code == 421 {
            // May come unasked, and ends the dialogue.
            self.is_closing = true;
            return;
        }
        if !self.was_greeted {
            self.was_greeted = true;
            if code != 220 && code != 120 {
                self.broken(format_args!("{code} for a greeting"));
            }
            return;
        }
        if reply.code().is_preliminary() {
            if self.owed.is_empty() {
                self.broken(format_args!("{code} to no command"));
            }
            return;
        }
        self.is_closing |= code == 221;
        match self.owed.pop_front() {
            None => self.broken(format_args!("{code} {} to no command", reply.text())),
            Some(verb) if !may_answer(&verb, code) => {
                self.broken(format_args!("{code} {} to {verb}", reply.text()));
            }
            Some(_) => {}
        }
    }

    fn note(&self, what: std::fmt::Arguments<'_>) {
        let Self { server, user, .. } = self;
        self.trace.note(format_args!("{user} {server} {what}"));
    }

    fn broken(&self, what: std::fmt::Arguments<'_>) {
        let Self { server, user, .. } = self;
        self.trace
            .broken(format_args!("I4: {server} said {user} {what}"));
    }
}

/// Whether the code can be a final reply to the verb. What many may be answered tells nothing.
fn may_answer(verb: &str, code: u16) -> bool {
    let is = |verbs: &[&str]| verb == ANY || verbs.contains(&verb);
    match code {
        221 => is(&["QUIT"]),
        255 => is(&["LSTN", "SOCK"]),
        257 => is(&["MKD", "PWD", "XMKD", "XPWD"]),
        227 => is(&["PASV", "CPSV"]),
        229 => is(&["EPSV"]),
        331 => is(&["USER"]),
        230 => is(&["USER", "PASS"]),
        350 => is(&["REST", "RNFR", "RANG"]),
        226 => is(&[
            "RETR", "STOR", "APPE", "STOU", "MLSD", "LIST", "NLST", "ABOR", "REIN",
        ]),
        425 | 426 | 451 | 452 | 552 => {
            !is(&["NOOP", "USER", "PASS", "QUIT", "FEAT", "TYPE"]) || verb == ANY
        }
        _ => true,
    }
}

fn verb_of(command: &str) -> String {
    command.split(' ').next().unwrap_or_default().to_owned()
}

/// A line that is no command, which may be answered with anything.
const ANY: &str = "?";
