//! A line becomes a command. RFC 959 section 5.3, spec Q-1 to Q-6.

mod extensions;
mod parts;
mod security;
mod site;

use super::foreign::is_foreign;
use super::{Command, CommandError, EpsvArgument, Verb};
use crate::{
    ChecksumCommand, Direction, NetworkProtocol, Password, Pathname, RepresentationType,
    RestartPoint, Structure, Text, TransmissionMode, address,
};

impl Command {
    /// Reads a command from a line without its CRLF, from which Telnet commands are gone.
    ///
    /// Exactly one space parts the code from a pathname, a user name, a password or an account;
    /// further ones belong to it (spec Q-2). Before and behind other arguments they are skipped.
    ///
    /// # Errors
    ///
    /// Says which of the generic answers of spec Q-16 the line deserves.
    pub fn parse(line: &[u8]) -> Result<Self, CommandError> {
        if line.contains(&b'\n') || line.contains(&0) {
            return Err(CommandError::ForbiddenOctet);
        }
        let (code, rest) = match line.iter().position(|octet| *octet == b' ') {
            Some(at) => (line.get(..at).unwrap_or(line), line.get(at + 1..)),
            None => (line, None),
        };
        let verb = Verb::from_code(code).ok_or_else(|| {
            if is_foreign(line) {
                CommandError::OtherProtocol
            } else {
                CommandError::Unknown
            }
        })?;
        Argument {
            verb,
            octets: rest.unwrap_or_default(),
        }
        .command()
    }
}

/// What follows the code and one space.
#[derive(Clone, Copy)]
struct Argument<'a> {
    verb: Verb,
    octets: &'a [u8],
}

impl<'a> Argument<'a> {
    fn command(self) -> Result<Command, CommandError> {
        Ok(match self.verb {
            Verb::User => Command::User(self.user()?),
            Verb::Pass => Command::Pass(self.password()?),
            Verb::Acct => Command::Acct(self.text(self.octets)?),
            Verb::Cwd => Command::Cwd(self.pathname()?),
            Verb::Cdup => self.none(Command::Cdup)?,
            Verb::Host => Command::Host(self.host()?),
            Verb::Lang => Command::Lang(self.language()?),
            Verb::Clnt => Command::Clnt(self.some_text("a name is missing")?),
            Verb::Csid => Command::Csid(self.client_identity()?),
            Verb::Rein => self.none(Command::Rein)?,
            Verb::Quit => self.none(Command::Quit)?,
            Verb::Port => Command::Port(address::port(self.word()?).map_err(self.wrong())?),
            Verb::Eprt => Command::Eprt(address::eprt(self.word()?).map_err(self.wrong())?),
            Verb::Pasv => self.none(Command::Pasv)?,
            Verb::Epsv => Command::Epsv(self.epsv()?),
            Verb::Esta => self.none(Command::Esta)?,
            Verb::Estp => self.none(Command::Estp)?,
            Verb::Cepr => Command::Cepr(self.switch()?),
            Verb::Pret => self.pret()?,
            Verb::Algs => Command::Algs(self.gateway_request()?),
            Verb::Lstn => self.lstn()?,
            Verb::Sock => Command::Sock(address::sock(self.ascii()?).map_err(self.wrong())?),
            Verb::Type => Command::Type(self.representation_type()?),
            Verb::Stru => Command::Stru(self.structure()?),
            Verb::Mode => Command::Mode(self.mode()?),
            Verb::Retr => Command::Retr(self.pathname()?),
            Verb::Stor => Command::Stor(self.pathname()?),
            Verb::Stou => Command::Stou(self.optional_pathname()?),
            Verb::Appe => Command::Appe(self.pathname()?),
            Verb::Allo => self.allo()?,
            Verb::Rest => Command::Rest(self.restart_point()?),
            Verb::Rnfr => Command::Rnfr(self.pathname()?),
            Verb::Rnto => Command::Rnto(self.pathname()?),
            Verb::Abor => self.none(Command::Abor)?,
            Verb::Dele => Command::Dele(self.pathname()?),
            Verb::Rmd => Command::Rmd(self.pathname()?),
            Verb::Mkd => Command::Mkd(self.pathname()?),
            Verb::Pwd => self.none(Command::Pwd)?,
            Verb::List => Command::List(self.optional_pathname()?),
            Verb::Nlst => Command::Nlst(self.optional_pathname()?),
            Verb::Mlst => Command::Mlst(self.optional_pathname()?),
            Verb::Mlsd => Command::Mlsd(self.optional_pathname()?),
            Verb::Size => Command::Size(self.pathname()?),
            Verb::Mdtm => Command::Mdtm(self.pathname()?),
            Verb::Hash => Command::Hash(self.pathname()?),
            Verb::Xcrc => self.checksum(ChecksumCommand::Xcrc)?,
            Verb::Xmd5 => self.checksum(ChecksumCommand::Xmd5)?,
            Verb::Xsha => self.checksum(ChecksumCommand::Xsha)?,
            Verb::Xsha1 => self.checksum(ChecksumCommand::Xsha1)?,
            Verb::Xsha256 => self.checksum(ChecksumCommand::Xsha256)?,
            Verb::Xsha512 => self.checksum(ChecksumCommand::Xsha512)?,
            Verb::Rang => Command::Rang(self.range()?),
            Verb::Mfmt => {
                let (modified, name) = self.mfmt()?;
                Command::Mfmt { modified, name }
            }
            Verb::Mff => Command::Mff(self.facts()?),
            Verb::Site => Command::Site(self.site()?),
            Verb::Syst => self.none(Command::Syst)?,
            Verb::Stat => Command::Stat(self.optional_pathname()?),
            Verb::Help => Command::Help(self.optional_text(self.octets)?),
            Verb::Feat => self.none(Command::Feat)?,
            Verb::Opts => self.opts()?,
            Verb::Noop => self.none(Command::Noop)?,
            Verb::Auth | Verb::Pbsz | Verb::Prot | Verb::Ccc => self.security()?,
            Verb::Sscn => Command::Sscn(self.secured_client()?),
            Verb::Cpsv => self.none(Command::Cpsv)?,
            other => return Err(CommandError::NotImplemented(other)),
        })
    }

    fn user(self) -> Result<Text, CommandError> {
        if self.octets.is_empty() {
            return Err(self.bad("a user name is missing"));
        }
        self.text(self.octets)
    }

    fn password(self) -> Result<Password, CommandError> {
        let password = std::str::from_utf8(self.octets).map_err(|_| self.bad(NOT_UTF8))?;
        Password::try_from(password).map_err(|_| self.bad(FORBIDDEN))
    }

    fn pathname(self) -> Result<Pathname, CommandError> {
        self.optional_pathname()?
            .ok_or_else(|| self.bad("a pathname is missing"))
    }

    /// A code with a space and nothing behind it has no pathname either: clients send `LIST `.
    fn optional_pathname(self) -> Result<Option<Pathname>, CommandError> {
        if self.octets.is_empty() {
            return Ok(None);
        }
        let name =
            std::str::from_utf8(self.octets).map_err(|_| CommandError::NotUtf8(self.verb))?;
        Pathname::try_from(name)
            .map(Some)
            .map_err(|_| self.bad(FORBIDDEN))
    }

    fn text(self, octets: &[u8]) -> Result<Text, CommandError> {
        let text = std::str::from_utf8(octets).map_err(|_| self.bad(NOT_UTF8))?;
        Text::try_from(text).map_err(|_| self.bad(FORBIDDEN))
    }

    fn optional_text(self, octets: &[u8]) -> Result<Option<Text>, CommandError> {
        match trim(octets) {
            [] => Ok(None),
            octets => self.text(octets).map(Some),
        }
    }

    fn opts(self) -> Result<Command, CommandError> {
        let trimmed = trim(self.octets);
        let end = trimmed
            .iter()
            .position(|octet| *octet == b' ')
            .unwrap_or(trimmed.len());
        let (command, options) = trimmed.split_at_checked(end).unwrap_or((trimmed, &[]));
        if command.is_empty() {
            return Err(self.bad("expected a command and its options"));
        }
        Ok(Command::Opts {
            command: self.text(command)?,
            options: self.optional_text(options)?,
        })
    }

    fn epsv(self) -> Result<EpsvArgument, CommandError> {
        match self.ascii()? {
            "" => Ok(EpsvArgument::Default),
            all if all.eq_ignore_ascii_case("ALL") => Ok(EpsvArgument::All),
            number => self.network_protocol(number).map(EpsvArgument::Protocol),
        }
    }

    //= rfc438#a
    //# syntax: LSTN <direction> CRLF
    //# where <direction> is either "S" for send or "R" for receive.
    fn lstn(self) -> Result<Command, CommandError> {
        let mut words = self.words()?;
        let direction = match words.next() {
            Some("S" | "s") => Direction::Send,
            Some("R" | "r") => Direction::Receive,
            _ => return Err(self.bad("expected S (send) or R (receive)")),
        };
        let protocol = words
            .next()
            .map(|number| self.network_protocol(number))
            .transpose()?;
        self.end(words)?;
        Ok(Command::Lstn {
            direction,
            protocol,
        })
    }

    fn network_protocol(self, number: &str) -> Result<NetworkProtocol, CommandError> {
        let number = address::digits::<u32>(number)
            .ok_or_else(|| self.bad("expected a network protocol number, 1 or 2"))?;
        Ok(NetworkProtocol::from(number))
    }

    fn representation_type(self) -> Result<RepresentationType, CommandError> {
        let mut words = self.words()?;
        let letter = self.letter(words.next())?;
        let second = words.next();
        self.end(words)?;
        match (letter, second.map(str::to_ascii_uppercase).as_deref()) {
            ('A', None | Some("N" | "T")) | ('I', None) => {}
            ('A' | 'E', Some("C")) | ('E', None | Some("N" | "T")) => {
                return Err(self.unsupported(TYPES));
            }
            ('L', Some(size)) => match address::digits::<u8>(size) {
                Some(8) => {}
                Some(1..) => return Err(self.unsupported("the only logical byte size is 8")),
                _ => return Err(self.bad("expected a byte size, 1 to 255")),
            },
            ('L', None) => return Err(self.bad("a byte size is missing")),
            ('A' | 'E' | 'I', Some(_)) => return Err(self.bad("unknown format")),
            _ => return Err(self.unsupported(TYPES)),
        }
        Ok(if letter == 'A' {
            RepresentationType::Ascii
        } else {
            RepresentationType::Image
        })
    }

    fn structure(self) -> Result<Structure, CommandError> {
        let mut words = self.words()?;
        let letter = self.letter(words.next())?;
        self.end(words)?;
        match letter {
            'F' => Ok(Structure::File),
            'R' => Ok(Structure::Record),
            _ => Err(self.unsupported("the structures are F and R")),
        }
    }

    fn mode(self) -> Result<TransmissionMode, CommandError> {
        let mut words = self.words()?;
        let letter = self.letter(words.next())?;
        self.end(words)?;
        match letter {
            'S' => Ok(TransmissionMode::Stream),
            'B' => Ok(TransmissionMode::Block),
            _ => Err(self.unsupported("the modes are S and B")),
        }
    }

    fn allo(self) -> Result<Command, CommandError> {
        let problem = "expected a number of octets, or that, R and a record size";
        let number = |word| address::digits(word).ok_or_else(|| self.bad(problem));
        let mut words = self.words()?;
        let bytes = number(words.next().unwrap_or_default())?;
        let record = match words.next() {
            None => None,
            Some("R" | "r") => Some(number(words.next().unwrap_or_default())?),
            Some(_) => return Err(self.bad(problem)),
        };
        self.end(words)?;
        Ok(Command::Allo { bytes, record })
    }

    fn restart_point(self) -> Result<RestartPoint, CommandError> {
        let point = self.word()?;
        if point.bytes().all(|octet| octet.is_ascii_digit()) {
            let offset = address::digits(point).ok_or_else(|| self.bad("the offset is too big"))?;
            return Ok(RestartPoint::Offset(offset));
        }
        if point.len() > MARKER_BYTES_MAX {
            return Err(self.bad("a marker has at most 255 characters"));
        }
        Ok(RestartPoint::Marker(self.text(point.as_bytes())?))
    }

    fn none(self, command: Command) -> Result<Command, CommandError> {
        if trim(self.octets).is_empty() {
            Ok(command)
        } else {
            Err(self.bad(SUPERFLUOUS))
        }
    }

    /// The argument as printable ASCII, without the spaces around it.
    fn ascii(self) -> Result<&'a str, CommandError> {
        let octets = trim(self.octets);
        if !octets.iter().all(|octet| matches!(octet, b' '..=b'~')) {
            return Err(self.bad("expected printable ASCII"));
        }
        std::str::from_utf8(octets).map_err(|_| self.bad(NOT_UTF8))
    }

    fn words(self) -> Result<impl Iterator<Item = &'a str>, CommandError> {
        Ok(self.ascii()?.split(' ').filter(|word| !word.is_empty()))
    }

    /// The only word of the argument.
    fn word(self) -> Result<&'a str, CommandError> {
        let mut words = self.words()?;
        let word = words
            .next()
            .ok_or_else(|| self.bad("the argument is missing"))?;
        self.end(words)?;
        Ok(word)
    }

    fn letter(self, word: Option<&str>) -> Result<char, CommandError> {
        let mut letters = word.unwrap_or_default().chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) if letter.is_ascii_alphabetic() => Ok(letter.to_ascii_uppercase()),
            _ => Err(self.bad("expected one letter")),
        }
    }

    fn end(self, mut words: impl Iterator<Item = &'a str>) -> Result<(), CommandError> {
        words.next().map_or(Ok(()), |_| Err(self.bad(SUPERFLUOUS)))
    }

    fn wrong(self) -> impl Fn(&'static str) -> CommandError {
        move |problem| self.bad(problem)
    }

    fn bad(self, problem: &'static str) -> CommandError {
        CommandError::Argument {
            verb: self.verb,
            problem,
        }
    }

    fn unsupported(self, problem: &'static str) -> CommandError {
        CommandError::NotSupported {
            verb: self.verb,
            problem,
        }
    }
}

fn trim(octets: &[u8]) -> &[u8] {
    let is_text = |octet: &u8| *octet != b' ';
    let start = octets.iter().position(is_text).unwrap_or(octets.len());
    let end = octets
        .iter()
        .rposition(is_text)
        .map_or(start, |last| last + 1);
    octets.get(start..end).unwrap_or_default()
}

/// The length of a restart marker (spec M-19).
const MARKER_BYTES_MAX: usize = 255;
const NOT_UTF8: &str = "the argument is not UTF-8";
const FORBIDDEN: &str = "the argument holds a carriage return";
const SUPERFLUOUS: &str = "there is more than the command takes";
const TYPES: &str = "the types are A N, A T, I and L 8";
