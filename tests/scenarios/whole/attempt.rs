//! A user who is at any step content with a server that says no, or is gone; not with silence.

use std::fmt::Display;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::support::peer;
use crate::support::site::USER;

/// A control connection, for as long as it lasts.
#[derive(Debug)]
pub(super) struct Attempt {
    control: BufReader<TcpStream>,
    refused: Option<String>,
}

impl Attempt {
    /// Logs in as alice.
    pub(super) fn log_in(server: SocketAddr) -> Option<Self> {
        let mut attempt = Self {
            control: BufReader::new(call(server)?),
            refused: None,
        };
        attempt.hear(220)?;
        attempt.ask("USER alice", 331)?;
        attempt.ask("PASS secret", 230)?;
        attempt.ask("TYPE I", 200)?;
        Some(attempt)
    }

    /// Sends a command; the text of its reply if that has `code`.
    pub(super) fn ask(&mut self, command: impl Display, code: u16) -> Option<String> {
        let line = format!("{command}\r\n");
        self.control.get_mut().write_all(line.as_bytes()).ok()?;
        self.hear(code)
    }

    /// Sends a file by `command`, which names it; `None` unless it was acknowledged.
    pub(super) fn store(&mut self, command: &str, bytes: &[u8]) -> Option<()> {
        let mut sent = self.passive()?;
        self.ask(command, 150)?;
        // The server may be dead before it reads it all.
        sent.write_all(bytes).ok();
        drop(sent);
        self.hear(226).map(drop)
    }

    /// What was said in place of what was asked for.
    pub(super) fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    fn passive(&mut self) -> Option<TcpStream> {
        let told = self.ask("EPSV", 229)?;
        let port = told.split('|').nth(3).unwrap().parse().unwrap();
        call((peer::ip(USER), port).into())
    }

    /// The text of the next reply if it has `code`.
    pub(super) fn hear(&mut self, code: u16) -> Option<String> {
        let mut line = String::new();
        match self.control.read_line(&mut line) {
            Ok(_) if line.starts_with(&format!("{code} ")) => Some(line),
            Ok(0) => None,
            Ok(_) => {
                self.refused = Some(line);
                None
            }
            Err(error) => {
                let silent = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
                assert!(!silent.contains(&error.kind()), "no {code}, no end");
                None
            }
        }
    }
}

/// `None` if nobody is there any more.
fn call(to: SocketAddr) -> Option<TcpStream> {
    peer::call_with(peer::bound(USER), to).ok()
}
