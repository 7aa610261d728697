//! What replies carry beyond their code, for the server that writes and the client that reads.
//!
//! Readers are strict about numbers (spec S-22) and do not judge them: whether a foreign address or
//! a low port may be used is the client's decision (spec S-20). Readers take the first line.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::address::{delimited, digits, six_numbers, to_six_numbers};
use crate::{HostSocket, NetworkProtocol, Pathname, Reply, ReplyCode, TimeVal, quote, unquote};

/// What a 229 tells.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ExtendedPassive {
    /// The address, if the server told one, as it does after `CEPR ON` (spec F-8).
    pub host: Option<IpAddr>,
    /// The port, 1 to 65535.
    pub port: u16,
}

/// Why a reply does not carry what was looked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// It is another reply.
    #[error("the server answered {found} where {expected} was expected")]
    OtherReply {
        /// The code that carries the payload.
        expected: ReplyCode,
        /// The code that came.
        found: ReplyCode,
    },
    /// It is the right reply with the wrong text.
    #[error("the server's {code} does not hold {expected}")]
    Malformed {
        /// The code.
        code: ReplyCode,
        /// What was looked for.
        expected: &'static str,
    },
}

/// Writes 227. `None` for an IPv6 socket, which 227 cannot name.
#[must_use]
pub fn passive_reply(socket: HostSocket) -> Option<Reply> {
    let IpAddr::V4(host) = socket.host() else {
        return None;
    };
    let numbers = to_six_numbers(host, socket.port());
    Some(Reply::new(
        ReplyCode::PASSIVE,
        format!("Entering Passive Mode ({numbers})"),
    ))
}

/// Writes 229. RFC 2428 section 3.
#[must_use]
pub fn extended_passive_reply(port: u16) -> Reply {
    let text = format!("Entering Extended Passive Mode (|||{port}|)");
    Reply::new(ReplyCode::EXTENDED_PASSIVE, text)
}

/// Writes 229 with its address, for sessions that asked for it by `CEPR ON` (spec F-8).
#[must_use]
pub fn custom_extended_passive_reply(socket: HostSocket) -> Reply {
    let family = NetworkProtocol::of(socket.host()).number();
    let (host, port) = (socket.host(), socket.port());
    let text = format!("Entering Extended Passive Mode (|{family}|{host}|{port}|)");
    Reply::new(ReplyCode::EXTENDED_PASSIVE, text)
}

/// Writes ESTA's and ESTP's 225, `Connected from` or `to` a socket, as `what` has it.
#[must_use]
pub fn connected_reply(what: &str, socket: HostSocket) -> Reply {
    let family = NetworkProtocol::of(socket.host()).number();
    let (host, port) = (socket.host(), socket.port());
    let text = format!("Connected {what} (|{family}|{host}|{port}|)");
    Reply::new(ReplyCode::literal(225), text)
}

/// Writes `255 SOCK <port>`, and nothing after it (design D7).
//= rfc438#a.2
//# sending the user the number of the socket allocated
#[must_use]
pub fn data_socket_reply(port: u16) -> Reply {
    Reply::new(ReplyCode::DATA_SOCKET, format!("SOCK {port}"))
}

/// Writes 257 with the pathname in quotes, quotes inside it doubled, and a comment.
#[must_use]
pub fn pathname_reply(name: &str, comment: &str) -> Reply {
    Reply::new(ReplyCode::PATHNAME, format!("{} {comment}", quote(name)))
}

/// Reads 227: the first six numbers parted by commas, with or without parentheses
/// (RFC 1123 section 4.1.2.6).
///
/// # Errors
///
/// When it is not 227, or six numbers 0 to 255 and a port above 0 are not there.
pub fn passive_socket(reply: &Reply) -> Result<HostSocket, PayloadError> {
    let text = text_of(reply, ReplyCode::PASSIVE)?;
    text.split(|c: char| c != ',' && !c.is_ascii_digit())
        .map(|run| run.trim_matches(','))
        .find(|run| run.split(',').count() >= 6)
        .and_then(six_numbers)
        .ok_or(malformed(reply, "an address of six numbers"))
}

/// Reads 229: `(|||port|)`, or with protocol and address after CEPR (spec F-8).
///
/// # Errors
///
/// When it is not 229, or holds no such group, or the port is not 1 to 65535.
pub fn extended_passive(reply: &Reply) -> Result<ExtendedPassive, PayloadError> {
    let text = text_of(reply, ReplyCode::EXTENDED_PASSIVE)?;
    text.split('(')
        .skip(1)
        .filter_map(|behind| behind.split_once(')'))
        .find_map(|(group, _)| extended_group(group))
        .ok_or(malformed(reply, "a port between parentheses"))
}

/// Reads `255 SOCK <port>`: exactly that, on a single line.
///
/// # Errors
///
/// When it is not 255, or the text differs by an octet, or the port is not 1 to 65535.
pub fn data_socket(reply: &Reply) -> Result<u16, PayloadError> {
    let text = text_of(reply, ReplyCode::DATA_SOCKET)?;
    let number = text
        .strip_prefix("SOCK ")
        .filter(|number| number.len() <= 5);
    number
        .filter(|_| reply.lines().len() == 1)
        .and_then(digits::<u16>)
        .filter(|port| *port != 0)
        .ok_or(malformed(reply, "SOCK and a port"))
}

/// Reads the pathname of 257: what stands between the first quote and its closing one.
///
/// # Errors
///
/// When it is not 257, or holds no pathname in quotes.
pub fn quoted_pathname(reply: &Reply) -> Result<Pathname, PayloadError> {
    let text = text_of(reply, ReplyCode::PATHNAME)?;
    text.find('"')
        .and_then(|at| text.get(at..))
        .and_then(unquote)
        .and_then(|(name, _)| Pathname::try_from(name.as_str()).ok())
        .ok_or(malformed(reply, "a pathname in quotes"))
}

/// Reads 213 as SIZE's answer, in octets.
///
/// # Errors
///
/// When it is not 213, or the text is not one number.
pub fn file_size(reply: &Reply) -> Result<u64, PayloadError> {
    let text = text_of(reply, ReplyCode::FILE_STATUS)?;
    digits(text.trim_matches(' ')).ok_or(malformed(reply, "a size"))
}

/// Reads 213 as MDTM's answer.
///
/// # Errors
///
/// When it is not 213, or the text is not one point in time.
pub fn modification_time(reply: &Reply) -> Result<TimeVal, PayloadError> {
    let text = text_of(reply, ReplyCode::FILE_STATUS)?;
    text.trim_matches(' ')
        .parse()
        .map_err(|_| malformed(reply, "a time"))
}

/// The size that 150 or 125 announces as `(N bytes)`, if it does. A hint, not a promise.
#[must_use]
pub fn announced_size(reply: &Reply) -> Option<u64> {
    let (_, behind) = reply.text().rsplit_once('(')?;
    let (number, unit) = behind.split_once(' ')?;
    let unit = unit.to_ascii_lowercase();
    (reply.code().is_preliminary() && unit.starts_with("byte"))
        .then(|| digits(number))
        .flatten()
}

/// The name that STOU chose, from `150 FILE: pppp` (RFC 1123 section 4.1.2.9), if it is there.
#[must_use]
pub fn unique_name(reply: &Reply) -> Option<Pathname> {
    let name = reply.text().strip_prefix("FILE: ")?;
    reply
        .code()
        .is_preliminary()
        .then(|| Pathname::try_from(name).ok())
        .flatten()
}

/// The two markers of `110 MARK ssss = rrrr`: the sender's and the receiver's (spec M-32).
#[must_use]
pub fn restart_markers(reply: &Reply) -> Option<(&str, &str)> {
    let (sender, receiver) = reply.text().strip_prefix("MARK ")?.split_once('=')?;
    (reply.code().number() == 110).then(|| (sender.trim_matches(' '), receiver.trim_matches(' ')))
}

/// The network protocols that a 522 offers instead, as in `(1,2)`. RFC 2428 section 2.
#[must_use]
pub fn offered_protocols(reply: &Reply) -> Option<Vec<NetworkProtocol>> {
    let (_, behind) = reply.text().split_once('(')?;
    let (list, _) = behind.split_once(')')?;
    let numbers = list
        .split(',')
        .map(|number| digits::<u32>(number.trim_matches(' ')));
    let protocols = numbers
        .map(|number| number.map(NetworkProtocol::from))
        .collect();
    (reply.code().number() == 522)
        .then_some(protocols)
        .flatten()
}

impl ReplyCode {
    /// 213, the status of a file: SIZE, MDTM, and STAT during a transfer.
    pub const FILE_STATUS: Self = Self::literal(213);
    /// 227, PASV's answer.
    pub const PASSIVE: Self = Self::literal(227);
    /// 229, EPSV's answer.
    pub const EXTENDED_PASSIVE: Self = Self::literal(229);
    /// 257, the answer that carries a pathname: PWD and MKD.
    pub const PATHNAME: Self = Self::literal(257);
}

fn text_of(reply: &Reply, expected: ReplyCode) -> Result<&str, PayloadError> {
    let found = reply.code();
    if found == expected {
        Ok(reply.text())
    } else {
        Err(PayloadError::OtherReply { expected, found })
    }
}

fn malformed(reply: &Reply, expected: &'static str) -> PayloadError {
    PayloadError::Malformed {
        code: reply.code(),
        expected,
    }
}

fn extended_group(group: &str) -> Option<ExtendedPassive> {
    let [family, host, port] = delimited(group)?;
    let host = match (family, host) {
        ("", "") => None,
        ("1", host) => Some(IpAddr::V4(host.parse::<Ipv4Addr>().ok()?)),
        ("2", host) => Some(IpAddr::V6(host.parse::<Ipv6Addr>().ok()?).to_canonical()),
        _ => return None,
    };
    digits(port)
        .filter(|port| *port != 0)
        .map(|port| ExtendedPassive { host, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_227_is_written_and_read_back() {
        let socket = HostSocket::new([192, 0, 2, 9].into(), 50123).unwrap();
        let reply = passive_reply(socket).unwrap();
        assert_eq!(
            reply.to_string(),
            "227 Entering Passive Mode (192,0,2,9,195,203)"
        );
        assert_eq!(passive_socket(&reply), Ok(socket));
        assert_eq!(
            passive_reply(HostSocket::new(Ipv6Addr::LOCALHOST.into(), 1).unwrap()),
            None
        );
    }

    //= security#S-22
    //= type=test
    #[test]
    fn a_227_is_scanned_for_its_six_numbers() {
        let check = |text: &str, expected: Option<&str>| {
            let found = passive_socket(&reply(227, text))
                .ok()
                .map(|socket| socket.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check(
            "Entering Passive Mode (10,0,0,1,4,0)",
            Some("10.0.0.1:1024"),
        );
        check("Entering Passive Mode. 10,0,0,1,4,0", Some("10.0.0.1:1024"));
        check("Passive mode 2, 10,0,0,1,4,0.", Some("10.0.0.1:1024"));
        check("=10,0,0,1,0,1", Some("10.0.0.1:1"));
        check("(10,0,0,1,0,0)", None);
        check("(256,0,0,1,4,0)", None);
        check("(10,0,0,1,4,256)", None);
        check("(10,0,0,1,4)", None);
        check("(10,0,0,1,4,0,0)", None);
        check("(10,,0,1,4,0)", None);
        check("(10,0,0,1,4,0000)", None);
        check("(-10,0,0,1,4,0)", Some("10.0.0.1:1024"));
        check("no numbers", None);
        check("", None);
    }

    #[test]
    fn a_229_is_written_and_read_back() {
        let port_alone = extended_passive_reply(6446);
        assert_eq!(
            port_alone.to_string(),
            "229 Entering Extended Passive Mode (|||6446|)"
        );
        assert_eq!(
            extended_passive(&port_alone),
            Ok(ExtendedPassive {
                host: None,
                port: 6446
            })
        );
        for (host, text) in [
            ("192.0.2.1", "(|1|192.0.2.1|40002|)"),
            ("2001:db8::1", "(|2|2001:db8::1|40002|)"),
        ] {
            let host = host.parse().unwrap();
            let reply = custom_extended_passive_reply(HostSocket::new(host, 40002).unwrap());
            assert!(reply.text().ends_with(text), "{reply}");
            let found = extended_passive(&reply);
            assert_eq!(
                found,
                Ok(ExtendedPassive {
                    host: Some(host),
                    port: 40002
                })
            );
        }
    }

    //= security#S-22
    //= type=test
    #[test]
    fn a_229_is_read_strictly_between_its_parentheses() {
        let check = |text: &str, port| {
            let found = extended_passive(&reply(229, text))
                .ok()
                .map(|passive| passive.port);
            assert_eq!(found, port, "{text}");
        };
        check("Extended (passive) mode (!!!6446!)", Some(6446));
        check("(|||0|)", None);
        check("(|||65536|)", None);
        check("(|||6446)", None);
        check("(|||6446|", None);
        check("|||6446|", None);
        check("(|||+446|)", None);
        check("(|1||6446|)", None);
        check("(|2|192.0.2.1|6446|)", None);
        check("(|3|host|6446|)", None);
        check("(|||6446||)", None);
        check("()", None);
    }

    //= rfc438#a.2
    //= type=test
    //# sending the user the number of the socket allocated
    //= security#S-22
    //= type=test
    #[test]
    fn a_255_is_byte_exact() {
        for port in [1, 20, 50123, 65535] {
            let mut octets = Vec::new();
            let reply = data_socket_reply(port);
            reply.encode(&mut octets);
            assert_eq!(octets, format!("255 SOCK {port}\r\n").as_bytes());
            assert_eq!(data_socket(&reply), Ok(port));
        }
        for text in [
            "",
            "SOCK",
            "SOCK ",
            "SOCK 0",
            "SOCK 65536",
            "SOCK 050123",
            "SOCK -1",
            "SOCK  5",
            "sock 5",
            "SOCK 5 ",
            "SOCK 5 ok",
            "50123",
            "SOCK 5\u{661}",
        ] {
            assert!(data_socket(&reply(255, text)).is_err(), "{text}");
        }
        let code = ReplyCode::DATA_SOCKET;
        assert!(data_socket(&Reply::multi(code, "SOCK 5", [""; 0], "SOCK 5")).is_err());
        assert!(matches!(
            data_socket(&reply(200, "SOCK 5")),
            Err(PayloadError::OtherReply { .. })
        ));
    }

    #[test]
    fn a_257_holds_a_quoted_pathname() {
        let check = |text: &str, name: Option<&str>| {
            let found = quoted_pathname(&reply(257, text)).ok();
            assert_eq!(found.as_ref().map(Pathname::as_str), name, "{text}");
        };
        check(r#""/" is current directory"#, Some("/"));
        check(r#""/a ""b""" created"#, Some(r#"/a "b""#));
        check(r#"Directory "/x" is "here""#, Some("/x"));
        check(r#""/x"#, None);
        check(r#""""#, None);
        check("/x", None);
        let reply = pathname_reply(r#"/a"b"#, "created");
        assert_eq!(reply.to_string(), r#"257 "/a""b" created"#);
        assert_eq!(quoted_pathname(&reply).unwrap().as_str(), r#"/a"b"#);
    }

    #[test]
    fn a_213_holds_a_size_or_a_time() {
        assert_eq!(file_size(&reply(213, "0")), Ok(0));
        assert_eq!(
            file_size(&reply(213, " 18446744073709551615 ")),
            Ok(u64::MAX)
        );
        for text in ["", "-1", "18446744073709551616", "1 2", "0x1"] {
            assert!(file_size(&reply(213, text)).is_err(), "{text}");
        }
        let time = modification_time(&reply(213, "19980615100045.014")).unwrap();
        assert_eq!(time.to_string(), "19980615100045.014");
        assert!(modification_time(&reply(213, "yesterday")).is_err());
        assert!(file_size(&reply(550, "5")).is_err());
    }

    #[test]
    fn hints_of_preliminary_replies_are_read_when_they_are_there() {
        let size = |text: &str| announced_size(&reply(150, text));
        assert_eq!(
            size("Opening BINARY mode data connection for a (b) (1234 bytes)."),
            Some(1234)
        );
        assert_eq!(size("a (1 byte)"), Some(1));
        assert_eq!(size("a (many bytes)"), None);
        assert_eq!(size("a"), None);
        assert_eq!(announced_size(&reply(226, "(5 bytes)")), None);
        let name = unique_name(&reply(150, "FILE: a b")).unwrap();
        assert_eq!(name.as_str(), "a b");
        assert_eq!(unique_name(&reply(150, "FILE: ")), None);
        assert_eq!(
            restart_markers(&reply(110, "MARK o5 = o6c1")),
            Some(("o5", "o6c1"))
        );
        assert_eq!(restart_markers(&reply(110, "MARK o5")), None);
    }

    #[test]
    fn a_522_offers_protocols() {
        let check = |text: &str, numbers: Option<Vec<u32>>| {
            let found = offered_protocols(&reply(522, text));
            let found = found.map(|list| list.into_iter().map(NetworkProtocol::number).collect());
            assert_eq!(found, numbers, "{text}");
        };
        check(
            "Network protocol not supported, use (1,2)",
            Some(vec![1, 2]),
        );
        check("use (2)", Some(vec![2]));
        check("use ()", None);
        check("handshake failed", None);
    }

    fn reply(code: u16, text: &str) -> Reply {
        Reply::new(ReplyCode::new(code).unwrap(), text)
    }
}
