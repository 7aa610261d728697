//! Host and socket as commands write them: PORT, EPRT and SOCK.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::{EprtArgument, HostSocket, NetworkProtocol, SockArgument, SockHost};

/// Reads `h1,h2,h3,h4,p1,p2`. RFC 959 section 5.3.2; 0 is allowed in every place but the port.
pub(crate) fn port(text: &str) -> Result<HostSocket, &'static str> {
    six_numbers(text).ok_or("expected h1,h2,h3,h4,p1,p2 with numbers 0 to 255 and a port not 0")
}

/// Reads exactly six numbers, 0 to 255 each and of at most three digits, as host and port.
pub(crate) fn six_numbers(text: &str) -> Option<HostSocket> {
    let mut numbers = text.split(',').map(|number| {
        if number.len() > 3 {
            None
        } else {
            digits::<u8>(number)
        }
    });
    let mut next = || numbers.next().flatten();
    let host = Ipv4Addr::new(next()?, next()?, next()?, next()?);
    let port = u16::from_be_bytes([next()?, next()?]);
    if numbers.next().is_some() {
        return None;
    }
    HostSocket::new(host.into(), port)
}

/// Writes `h1,h2,h3,h4,p1,p2`.
pub(crate) fn to_six_numbers(host: Ipv4Addr, port: u16) -> String {
    let [h1, h2, h3, h4] = host.octets();
    let [p1, p2] = port.to_be_bytes();
    format!("{h1},{h2},{h3},{h4},{p1},{p2}")
}

/// Reads `|af|addr|port|` with any delimiter 33 to 126. RFC 2428 section 2.
pub(crate) fn eprt(text: &str) -> Result<EprtArgument, &'static str> {
    let expected = "expected |protocol|address|port|";
    let [family, host, port] = delimited(text).ok_or(expected)?;
    let family = digits::<u32>(family).ok_or(expected)?;
    let port = digits::<u16>(port).ok_or("expected a port, 1 to 65535")?;
    let host = match NetworkProtocol::from(family) {
        NetworkProtocol::Ipv4 => Ipv4Addr::from_str(host).map(IpAddr::V4),
        NetworkProtocol::Ipv6 => Ipv6Addr::from_str(host).map(IpAddr::V6),
        NetworkProtocol::Other(_) if host.is_empty() => return Err(expected),
        NetworkProtocol::Other(other) => return Ok(EprtArgument::UnknownProtocol(other)),
    };
    let host = host.map_err(|_| "the address is not one of the network protocol named")?;
    let socket = HostSocket::new(host, port).ok_or("port 0 names no socket")?;
    Ok(EprtArgument::Socket(socket))
}

/// Writes EPRT's argument. An unknown protocol gets a place holder for its address.
pub(crate) fn to_eprt(argument: EprtArgument) -> String {
    match argument {
        EprtArgument::Socket(socket) => {
            let family = NetworkProtocol::of(socket.host()).number();
            format!("|{family}|{}|{}|", socket.host(), socket.port())
        }
        EprtArgument::UnknownProtocol(family) => format!("|{family}|-|1|"),
    }
}

/// Splits `d a d b d c d`, the delimiter d being its first character, 33 to 126.
pub(crate) fn delimited(text: &str) -> Option<[&str; 3]> {
    let delimiter = text.chars().next().filter(char::is_ascii_graphic)?;
    let mut fields = text.get(1..)?.split(delimiter);
    let three = [fields.next()?, fields.next()?, fields.next()?];
    match (fields.next(), fields.next()) {
        (Some(""), None) => Some(three),
        _ => None,
    }
}

/// Reads `[host,[SP]]socket` (spec 3.4).
//= rfc438#example.2
//# SOCK SITE2,X CRLF
pub(crate) fn sock(text: &str) -> Result<SockArgument, &'static str> {
    let (host, socket) = match text.rsplit_once(',') {
        Some((host, socket)) => (sock_host(host)?, socket.trim_start_matches(' ')),
        None => (SockHost::Peer, text),
    };
    if socket.len() > SOCKET_DIGITS_MAX {
        return Err("a socket number has at most 10 digits");
    }
    // NCP numbers had 32 bits and are still well formed; a TCP port has 16 (design D5).
    let number = digits::<u32>(socket).ok_or("expected a socket number")?;
    let socket = u16::try_from(number).map_err(|_| "a socket number is at most 65535 here")?;
    Ok(SockArgument { host, socket })
}

/// Writes SOCK's argument.
pub(crate) fn to_sock(argument: &SockArgument) -> String {
    let mut text = String::new();
    match &argument.host {
        SockHost::Peer => {}
        SockHost::Address(IpAddr::V6(host)) => {
            let _infallible = write!(text, "[{host}],");
        }
        SockHost::Address(IpAddr::V4(host)) => {
            let _infallible = write!(text, "{host},");
        }
        SockHost::Other(name) => {
            // SECURITY: the field is public, and a CR LF in it would be a second command (S-61).
            text.extend(
                name.chars()
                    .map(|c| if is_name_character(c) { c } else { '?' }),
            );
            text.push(',');
        }
    }
    let _infallible = write!(text, "{}", argument.socket);
    text
}

fn sock_host(text: &str) -> Result<SockHost, &'static str> {
    let address = "expected an IPv4 or IPv6 address without a zone";
    if let Some(inner) = text.strip_prefix('[') {
        let host = inner
            .strip_suffix(']')
            .and_then(|host| Ipv6Addr::from_str(host).ok());
        return host.map(of_address).ok_or(address);
    }
    if let Ok(host) = IpAddr::from_str(text) {
        return Ok(of_address(host));
    }
    let dotted_digits = text.contains('.') && text.chars().all(|c| matches!(c, '0'..='9' | '.'));
    if text.contains([':', '%']) || dotted_digits {
        return Err(address);
    }
    if text.is_empty() || text.len() > NAME_BYTES_MAX || !text.chars().all(is_name_character) {
        return Err("expected a host before the comma");
    }
    Ok(SockHost::Other(text.to_owned()))
}

fn of_address(host: impl Into<IpAddr>) -> SockHost {
    SockHost::Address(host.into().to_canonical())
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// Reads digits and nothing else: no sign, no space, and not nothing.
pub(crate) fn digits<N: FromStr>(text: &str) -> Option<N> {
    let only_digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    only_digits.then(|| text.parse().ok()).flatten()
}

/// The digits of 4294967295, the last NCP socket.
const SOCKET_DIGITS_MAX: usize = 10;
/// The length of a host name, RFC 1035 section 2.3.4.
const NAME_BYTES_MAX: usize = 255;
