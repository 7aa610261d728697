//! A raw user: lines out, replies in, nothing understood.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};

use socket2::SockRef;

use super::patience::LONG;
use super::peer;

/// A control connection.
#[derive(Debug)]
pub(crate) struct User {
    stream: BufReader<TcpStream>,
}

/// One reply, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    /// All lines with their ends, so that a test can ask for exact bytes.
    pub(crate) raw: String,
}

impl User {
    /// Calls a server from `host` and reads its greeting.
    pub(crate) fn greeted(host: &str, server: SocketAddr) -> Self {
        let mut user = Self::connected(host, server);
        user.expect(220);
        user
    }

    /// Calls a server from `host`.
    pub(crate) fn connected(host: &str, server: SocketAddr) -> Self {
        let stream = peer::call(host, server);
        stream.set_nodelay(true).unwrap();
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Logs in with the password that all users of the scenarios share.
    pub(crate) fn log_in(&mut self, name: &str) {
        self.ask(format!("USER {name}"), 331);
        self.ask("PASS secret", 230);
    }

    /// Sends a command and reads its reply, which must have `code`.
    pub(crate) fn ask(&mut self, command: impl Display, code: u16) -> Reply {
        self.send(&command);
        let reply = self.reply();
        assert_eq!(reply.code, code, "to {command}: {}", reply.raw);
        reply
    }

    /// Sends a command; its replies are read later.
    pub(crate) fn send(&mut self, command: impl Display) {
        self.send_bytes(format!("{command}\r\n").as_bytes());
    }

    /// Sends bytes as they are.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    /// Sends bytes of which the last is urgent.
    pub(crate) fn send_urgent(&mut self, bytes: &[u8]) {
        let sent = SockRef::from(self.stream.get_ref()).send_out_of_band(bytes);
        assert_eq!(sent.unwrap(), bytes.len());
    }

    /// Reads a reply, which must have `code`.
    pub(crate) fn expect(&mut self, code: u16) -> Reply {
        let reply = self.reply();
        assert_eq!(reply.code, code, "{}", reply.raw);
        reply
    }

    /// Reads a reply.
    pub(crate) fn reply(&mut self) -> Reply {
        let mut raw = self.line();
        let code: u16 = raw.get(..3).unwrap_or_default().parse().unwrap();
        if raw.get(3..4) == Some("-") {
            let end = format!("{code} ");
            loop {
                let line = self.line();
                raw.push_str(&line);
                if line.starts_with(&end) {
                    break;
                }
            }
        }
        Reply { code, raw }
    }

    /// Reads so many bytes as they come.
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Whether the server has closed, in order or not, and said nothing more.
    pub(crate) fn is_closed(&mut self) -> bool {
        use std::io::ErrorKind::ConnectionReset;
        match self.stream.fill_buf() {
            Ok(rest) => rest.is_empty(),
            Err(error) => error.kind() == ConnectionReset,
        }
    }

    /// LSTN: tells the socket.
    pub(crate) fn lstn(&mut self, direction: &str) -> u16 {
        self.ask(format!("LSTN {direction}"), 255).socket()
    }

    /// SOCK: tells the socket.
    pub(crate) fn sock(&mut self, named: SocketAddr) -> u16 {
        self.sock_host(named.ip(), named.port())
    }

    /// SOCK with any number: tells the socket.
    pub(crate) fn sock_host(&mut self, host: IpAddr, socket: u16) -> u16 {
        let host = match host {
            IpAddr::V4(host) => host.to_string(),
            IpAddr::V6(host) => format!("[{host}]"),
        };
        self.ask(format!("SOCK {host},{socket}"), 255).socket()
    }

    /// PASV: tells where.
    pub(crate) fn pasv(&mut self) -> SocketAddr {
        let raw = self.ask("PASV", 227).raw;
        let (_, numbers) = raw.split_once('(').unwrap();
        let (numbers, _) = numbers.split_once(')').unwrap();
        let n: Vec<u8> = numbers.split(',').map(|n| n.parse().unwrap()).collect();
        let [a, b, c, d, high, low] = n.try_into().unwrap();
        SocketAddr::from(([a, b, c, d], u16::from_be_bytes([high, low])))
    }

    /// Goes away without a word; the server sees the end of the connection, or a reset.
    pub(crate) fn vanish(self, how: End) {
        let stream = self.stream.into_inner();
        match how {
            End::Close => drop(stream),
            End::Reset => peer::reset(stream),
        }
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        let read = self.stream.read_until(b'\n', &mut line);
        assert!(read.is_ok(), "no reply within {LONG:?}: {read:?}");
        assert!(line.ends_with(b"\r\n"), "the server has closed: {line:?}");
        String::from_utf8(line).unwrap()
    }
}

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Close,
    Reset,
}

impl Reply {
    /// The number in a 255.
    pub(crate) fn socket(&self) -> u16 {
        let number = self.raw.strip_prefix("255 SOCK ").unwrap();
        number.trim_end().parse().unwrap()
    }
}
