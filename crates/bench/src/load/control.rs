//! A control connection with blocking sockets: as little work per command as can be.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};

use super::Secret;
use crate::failure::{Failure, Result, While};

/// A user's control connection to one server.
pub(crate) struct Control {
    line: BufReader<Line>,
    peer: SocketAddr,
}

/// In clear or under TLS.
enum Line {
    Clear(TcpStream),
    Sealed(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Control {
    /// Calls a server and reads its greeting.
    pub(crate) fn call(peer: SocketAddr) -> Result<Self> {
        let step = format!("calling {peer}");
        let stream = TcpStream::connect(peer).during(&step)?;
        stream.set_nodelay(true).during(&step)?;
        stream.set_read_timeout(Some(PATIENCE)).during(&step)?;
        let line = BufReader::with_capacity(LINE_BYTES, Line::Clear(stream));
        let mut control = Self { line, peer };
        control.reply()?.expect("the greeting", '2')?;
        Ok(control)
    }

    /// Logs in.
    pub(crate) fn log_in(&mut self, user: &str, password: &str) -> Result<()> {
        let reply = self.command(&format!("USER {user}"))?;
        if reply.code.starts_with('2') {
            return Ok(());
        }
        reply.expect("USER", '3')?;
        let reply = self.command(&format!("PASS {password}"))?;
        reply.expect("PASS", '2')?;
        Ok(())
    }

    /// Puts the control connection and the data connections to come under TLS.
    pub(crate) fn seal(mut self, secret: &Secret) -> Result<Self> {
        self.done("AUTH TLS")?;
        let Line::Clear(stream) = self.line.into_inner() else {
            return Err(Failure::new("AUTH TLS under TLS"));
        };
        let connection = secret.connection()?;
        let sealed = Line::Sealed(Box::new(StreamOwned::new(connection, stream)));
        self.line = BufReader::with_capacity(LINE_BYTES, sealed);
        self.done("PBSZ 0")?;
        self.done("PROT P")?;
        Ok(self)
    }

    /// Gives a command that is answered once, with success.
    pub(crate) fn done(&mut self, command: &str) -> Result<()> {
        self.command(command)?.expect(command, '2')?;
        Ok(())
    }

    /// Gives a command that begins a transfer and reads that it has begun.
    pub(crate) fn begin(&mut self, command: &str) -> Result<()> {
        self.begin_sealed(command)?;
        self.begun()
    }

    /// Gives a command that begins a transfer under TLS, and waits for nothing: some servers say
    /// 150 only when TLS has begun on the data connection.
    pub(crate) fn begin_sealed(&mut self, command: &str) -> Result<()> {
        self.give(command)
    }

    /// Reads that a transfer has begun.
    pub(crate) fn begun(&mut self) -> Result<()> {
        self.reply()?.expect("the transfer", '1')?;
        Ok(())
    }

    /// Reads that a transfer is complete.
    pub(crate) fn completed(&mut self) -> Result<()> {
        self.reply()?.expect("the transfer", '2')?;
        Ok(())
    }

    /// A data connection, called after EPSV.
    pub(crate) fn data(&mut self) -> Result<TcpStream> {
        let reply = self.command("EPSV")?.expect("EPSV", '2')?;
        let port = reply.rsplit('|').nth(1).and_then(|port| port.parse().ok());
        let port = port.ok_or_else(|| Failure::new(format!("no port in {reply:?}")))?;
        let stream = TcpStream::connect((self.peer.ip(), port)).during("calling after EPSV")?;
        stream.set_read_timeout(Some(PATIENCE)).during("EPSV")?;
        Ok(stream)
    }

    /// Ends the session and waits for the server to close.
    pub(crate) fn quit(mut self) -> Result<()> {
        self.done("QUIT")?;
        // Some close without close_notify; all that counts here is that they closed.
        self.line.read_to_end(&mut Vec::new()).ok();
        Ok(())
    }

    fn command(&mut self, command: &str) -> Result<Reply> {
        self.give(command)?;
        self.reply()
    }

    fn give(&mut self, command: &str) -> Result<()> {
        let line = self.line.get_mut();
        let sent = line.write_all(format!("{command}\r\n").as_bytes());
        sent.and_then(|()| line.flush()).during(command)
    }

    fn reply(&mut self) -> Result<Reply> {
        let mut text = self.one_line()?;
        let code: String = text.chars().take(3).collect();
        if text.get(3..4) == Some("-") {
            let last = format!("{code} ");
            while !text.starts_with(&last) {
                text = self.one_line()?;
            }
        }
        Ok(Reply { code, text })
    }

    fn one_line(&mut self) -> Result<String> {
        let mut text = String::new();
        let read = self.line.read_line(&mut text).during("reading a reply")?;
        if read == 0 {
            return Err(Failure::new("the server closed the control connection"));
        }
        Ok(text)
    }
}

/// The last line of a reply.
struct Reply {
    code: String,
    text: String,
}

impl Reply {
    fn expect(self, step: &str, first: char) -> Result<String> {
        if self.code.starts_with(first) {
            return Ok(self.text);
        }
        let text = self.text.trim_end();
        Err(Failure::new(format!("{step} was answered {text:?}")))
    }
}

impl Read for Line {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.read(into),
            Self::Sealed(stream) => stream.read(into),
        }
    }
}

impl Write for Line {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.write(from),
            Self::Sealed(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(stream) => stream.flush(),
            Self::Sealed(stream) => stream.flush(),
        }
    }
}

/// Longer than any measurement: a server that is silent for so long hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Room for a reply; thousands of sessions are held at a time.
const LINE_BYTES: usize = 512;
