//! A command becomes a line, for the wire in clear and for logs without its secrets.

use std::fmt;
use std::net::IpAddr;

use super::{Command, EprtArgument, EpsvArgument, RestartPoint, Verb};
use crate::{HostSocket, RepresentationType, address};

impl Command {
    /// The code this command is sent with, except for PORT to an IPv6 socket (see
    /// [`encode`](Self::encode)).
    #[must_use]
    pub fn verb(&self) -> Verb {
        match self {
            Self::User(_) => Verb::User,
            Self::Pass(_) => Verb::Pass,
            Self::Acct(_) => Verb::Acct,
            Self::Cwd(_) => Verb::Cwd,
            Self::Cdup => Verb::Cdup,
            Self::Host(_) => Verb::Host,
            Self::Lang(_) => Verb::Lang,
            Self::Clnt(_) => Verb::Clnt,
            Self::Csid(_) => Verb::Csid,
            Self::Rein => Verb::Rein,
            Self::Quit => Verb::Quit,
            Self::Port(_) => Verb::Port,
            Self::Eprt(_) => Verb::Eprt,
            Self::Pasv => Verb::Pasv,
            Self::Epsv(_) => Verb::Epsv,
            Self::Cepr(_) => Verb::Cepr,
            Self::Pret(_) => Verb::Pret,
            Self::Algs(_) => Verb::Algs,
            Self::Lstn { .. } => Verb::Lstn,
            Self::Sock(_) => Verb::Sock,
            Self::Type(_) => Verb::Type,
            Self::Stru(_) => Verb::Stru,
            Self::Mode(_) => Verb::Mode,
            Self::Retr(_) => Verb::Retr,
            Self::Stor(_) => Verb::Stor,
            Self::Stou(_) => Verb::Stou,
            Self::Appe(_) => Verb::Appe,
            Self::Allo { .. } => Verb::Allo,
            Self::Rest(_) => Verb::Rest,
            Self::Rnfr(_) => Verb::Rnfr,
            Self::Rnto(_) => Verb::Rnto,
            Self::Abor => Verb::Abor,
            Self::Dele(_) => Verb::Dele,
            Self::Rmd(_) => Verb::Rmd,
            Self::Mkd(_) => Verb::Mkd,
            Self::Pwd => Verb::Pwd,
            Self::List(_) => Verb::List,
            Self::Nlst(_) => Verb::Nlst,
            Self::Mlst(_) => Verb::Mlst,
            Self::Mlsd(_) => Verb::Mlsd,
            Self::Size(_) => Verb::Size,
            Self::Mdtm(_) => Verb::Mdtm,
            Self::Hash(_) => Verb::Hash,
            Self::Checksum(command, _) => command.verb(),
            Self::Rang(_) => Verb::Rang,
            Self::Mfmt { .. } => Verb::Mfmt,
            Self::Mff(_) => Verb::Mff,
            Self::Syst => Verb::Syst,
            Self::Stat(_) => Verb::Stat,
            Self::Help(_) => Verb::Help,
            Self::Feat => Verb::Feat,
            Self::Opts { .. } => Verb::Opts,
            Self::Noop => Verb::Noop,
            Self::Auth(_) => Verb::Auth,
            Self::Pbsz(_) => Verb::Pbsz,
            Self::Prot(_) => Verb::Prot,
            Self::Ccc => Verb::Ccc,
            Self::Sscn(_) => Verb::Sscn,
            Self::Cpsv => Verb::Cpsv,
            Self::Esta => Verb::Esta,
            Self::Estp => Verb::Estp,
            Self::Site(_) => Verb::Site,
        }
    }

    /// Appends the command line with its CRLF to `out`; a password goes in clear.
    ///
    /// No value can break out of its line: arguments hold no CR, LF or NUL (spec S-61). As UTF-8
    /// holds no octet 255, nothing needs Telnet quoting. PORT has no form for an IPv6 socket;
    /// such a value is sent as the EPRT that means the same.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (code, argument) = self.words();
        out.extend_from_slice(code.as_bytes());
        if let Some(argument) = argument {
            out.push(b' ');
            out.extend_from_slice(argument.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }

    fn words(&self) -> (&'static str, Option<String>) {
        if let Self::Port(socket) = self {
            return port_words(*socket);
        }
        (self.verb().code(), self.argument())
    }

    fn argument(&self) -> Option<String> {
        match self {
            Self::Cdup | Self::Rein | Self::Quit | Self::Pasv | Self::Abor | Self::Pwd => None,
            Self::Syst | Self::Feat | Self::Noop | Self::Ccc | Self::Cpsv => None,
            Self::Esta | Self::Estp => None,
            Self::User(text) | Self::Acct(text) | Self::Clnt(text) | Self::Csid(text) => {
                Some(text.to_string())
            }
            Self::Pret(text) | Self::Algs(text) => Some(text.to_string()),
            Self::Lang(text) | Self::Help(text) => text.as_ref().map(ToString::to_string),
            Self::Pass(password) => Some(password.reveal().to_owned()),
            Self::Hash(name) | Self::Checksum(_, name) => Some(name.to_string()),
            Self::Rang(None) => Some("1 0".to_owned()),
            Self::Rang(Some(range)) => Some(format!("{} {}", range.first(), range.last())),
            Self::Mfmt { modified, name } => Some(format!("{modified} {name}")),
            Self::Mff(line) => Some(line.to_string()),
            Self::Site(site) => Some(site.to_string()),
            Self::Host(host) => Some(host.to_string()),
            Self::Cepr(on) => Some(if *on { "ON" } else { "OFF" }.to_owned()),
            Self::Cwd(name) | Self::Dele(name) | Self::Rmd(name) | Self::Mkd(name) => {
                Some(name.to_string())
            }
            Self::Retr(name) | Self::Stor(name) | Self::Appe(name) => Some(name.to_string()),
            Self::Rnfr(name) | Self::Rnto(name) | Self::Size(name) | Self::Mdtm(name) => {
                Some(name.to_string())
            }
            Self::Stou(name) | Self::List(name) | Self::Nlst(name) | Self::Stat(name) => {
                name.as_ref().map(ToString::to_string)
            }
            Self::Mlst(name) | Self::Mlsd(name) => name.as_ref().map(ToString::to_string),
            Self::Port(socket) => port_words(*socket).1,
            Self::Eprt(argument) => Some(address::to_eprt(*argument)),
            Self::Epsv(EpsvArgument::Default) => None,
            Self::Epsv(EpsvArgument::Protocol(protocol)) => Some(protocol.number().to_string()),
            Self::Epsv(EpsvArgument::All) => Some("ALL".to_owned()),
            Self::Lstn {
                direction,
                protocol: None,
            } => Some(direction.to_string()),
            Self::Lstn {
                direction,
                protocol: Some(protocol),
            } => Some(format!("{direction} {}", protocol.number())),
            Self::Sock(argument) => Some(address::to_sock(argument)),
            Self::Type(RepresentationType::Ascii) => Some("A".to_owned()),
            Self::Type(RepresentationType::Image) => Some("I".to_owned()),
            Self::Stru(structure) => Some(structure.letter().to_string()),
            Self::Mode(mode) => Some(mode.letter().to_string()),
            Self::Allo { bytes, record } => Some(match record {
                None => bytes.to_string(),
                Some(record) => format!("{bytes} R {record}"),
            }),
            Self::Rest(RestartPoint::Offset(offset)) => Some(offset.to_string()),
            Self::Rest(RestartPoint::Marker(marker)) => Some(marker.to_string()),
            Self::Opts {
                command,
                options: None,
            } => Some(command.to_string()),
            Self::Opts {
                command,
                options: Some(options),
            } => Some(format!("{command} {options}")),
            Self::Auth(mechanism) => Some(mechanism.to_string()),
            Self::Pbsz(size) => Some(size.to_string()),
            Self::Prot(level) => Some(level.letter().to_string()),
            Self::Sscn(on) => on.map(|on| if on { "ON" } else { "OFF" }.to_owned()),
        }
    }
}

/// For logs: the line without CRLF, `****` for a password or an account (spec S-70), and
/// control characters escaped (spec S-63).
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Pass(_) | Self::Acct(_) = self {
            return write!(f, "{} ****", self.verb());
        }
        let (code, argument) = self.words();
        f.write_str(code)?;
        let Some(argument) = argument else {
            return Ok(());
        };
        f.write_str(" ")?;
        argument.chars().try_for_each(|c| {
            if c.is_control() {
                write!(f, "{}", c.escape_default())
            } else {
                write!(f, "{c}")
            }
        })
    }
}

fn port_words(socket: HostSocket) -> (&'static str, Option<String>) {
    match socket.host() {
        IpAddr::V4(host) => (
            Verb::Port.code(),
            Some(address::to_six_numbers(host, socket.port())),
        ),
        IpAddr::V6(_) => (
            Verb::Eprt.code(),
            Some(address::to_eprt(EprtArgument::Socket(socket))),
        ),
    }
}
