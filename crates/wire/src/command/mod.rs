//! Commands as values: one variant a verb. RFC 959 section 4.1, RFC 438 clauses a and d.

mod encode;
mod foreign;
mod parse;
mod parts;
mod site;
mod verb;

pub use parts::{FileHash, PartsCommand, PartsKey};
pub use site::SiteCommand;
pub use verb::{UnknownVerb, Verb};

use std::fmt;

use crate::{
    ByteRange, ChecksumCommand, Direction, FactsLine, HostName, HostSocket, NetworkProtocol,
    Password, Pathname, RepresentationType, SockArgument, Structure, Text, TimeVal,
    TransmissionMode,
};

/// A command with its argument. X-forms (XCWD, XPWD …) become their plain verbs.
///
/// Not `#[non_exhaustive]`: a new verb must break every match.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Command {
    // access control
    /// USER: the user name.
    User(Text),
    /// PASS: the password; empty is allowed.
    Pass(Password),
    /// ACCT: the account.
    Acct(Text),
    /// CWD: change the working directory.
    Cwd(Pathname),
    /// CDUP: go to the parent directory.
    Cdup,
    /// HOST: which of the server's names the user means. RFC 7151.
    Host(HostName),
    /// LANG: the language of replies; `None`: the default. RFC 2640 section 4.
    Lang(Option<Text>),
    /// CLNT: the user's program, for the log.
    Clnt(Text),
    /// CSID: the user's program as `Name=x; Version=y;`.
    Csid(Text),
    /// REIN: log out and begin anew.
    Rein,
    /// QUIT: end the session.
    Quit,
    // transfer parameters
    /// PORT: call this IPv4 socket.
    Port(HostSocket),
    /// EPRT: call this socket. RFC 2428 section 2.
    Eprt(EprtArgument),
    /// PASV: listen, and say where (227).
    Pasv,
    /// EPSV: listen, and say on which port (229). RFC 2428 section 3.
    Epsv(EpsvArgument),
    /// CEPR: whether 229 tells family and address too (spec F-8).
    Cepr(bool),
    /// PRET: the command that will use the data connection about to be arranged.
    Pret(Text),
    /// ALGS: for an application gateway on the way, in capitals. RFC 6384 section 11.
    Algs(Text),
    /// ESTA: call the peer now, and tell from where (225).
    Esta,
    /// ESTP: accept a caller now, and tell who came (225).
    Estp,
    /// LSTN: reserve a data socket and listen on it. RFC 438 clause a.
    Lstn {
        /// Which way data will travel, seen from the server told.
        direction: Direction,
        /// The network protocol to listen on (spec A-29); `None`: the control connection's.
        protocol: Option<NetworkProtocol>,
    },
    /// SOCK: the peer to call, or after LSTN the one to accept. RFC 438 clause d.
    Sock(SockArgument),
    /// TYPE: the representation type.
    Type(RepresentationType),
    /// STRU: the file structure.
    Stru(Structure),
    /// MODE: the transmission mode.
    Mode(TransmissionMode),
    // service
    /// RETR: send a file.
    Retr(Pathname),
    /// STOR: receive a file and store it.
    Stor(Pathname),
    /// STOU: receive a file and store it under a unique name; a name is a hint.
    Stou(Option<Pathname>),
    /// APPE: receive data and append it to a file.
    Appe(Pathname),
    /// ALLO: room that the next file will need.
    Allo {
        /// The size of the file in octets.
        bytes: u64,
        /// The size of its largest record in octets.
        record: Option<u64>,
    },
    /// REST: where the next transfer begins.
    Rest(RestartPoint),
    /// RNFR: the file to rename.
    Rnfr(Pathname),
    /// RNTO: its new name.
    Rnto(Pathname),
    /// ABOR: stop the running transfer.
    Abor,
    /// DELE: delete a file.
    Dele(Pathname),
    /// RMD: remove an empty directory.
    Rmd(Pathname),
    /// MKD: make a directory.
    Mkd(Pathname),
    /// PWD: which directory is the working one (257).
    Pwd,
    /// LIST: send a listing for people.
    List(Option<Pathname>),
    /// NLST: send names alone.
    Nlst(Option<Pathname>),
    /// MLST: the facts of one name, in the reply. RFC 3659 section 7.
    Mlst(Option<Pathname>),
    /// MLSD: send the facts of a directory. RFC 3659 section 7.
    Mlsd(Option<Pathname>),
    /// SIZE: the octets a RETR would send. RFC 3659 section 4.
    Size(Pathname),
    /// MDTM: when a file was last changed. RFC 3659 section 3.
    Mdtm(Pathname),
    /// HASH: the hash of a file, or of the range RANG has set. Draft bryan-ftpext-hash.
    Hash(Pathname),
    /// XCRC, XMD5 and their kin: the argument may be a pathname, a quoted one, or one with
    /// numbers behind it; which, depends on what is there.
    Checksum(ChecksumCommand, Pathname),
    /// RANG: which octets the next command is about; `None`: all. Draft bryan-ftp-range.
    Rang(Option<ByteRange>),
    /// MFMT: a file is to count as last changed at a time. Draft somers-ftp-mfxx.
    Mfmt {
        /// The time.
        modified: TimeVal,
        /// The file.
        name: Pathname,
    },
    /// MFF: facts that a file is to have, and the file. Draft somers-ftp-mfxx.
    Mff(FactsLine),
    /// SITE: what this server alone can do.
    Site(SiteCommand),
    /// SYST: the kind of operating system.
    Syst,
    /// STAT: the state of the server, of the transfer, or of a file.
    Stat(Option<Pathname>),
    /// HELP: about a topic, or in general.
    Help(Option<Text>),
    /// FEAT: the extensions in force. RFC 2389 section 3.
    Feat,
    /// OPTS: options for a command. RFC 2389 section 4.
    Opts {
        /// The command, as it was written.
        command: Text,
        /// What is wanted of it.
        options: Option<Text>,
    },
    /// NOOP: nothing.
    Noop,
    // security
    /// AUTH: protect the control connection. RFC 2228 section 3, RFC 4217 section 4.
    Auth(AuthMechanism),
    /// PBSZ: the size of a protected block, 0 with TLS. RFC 4217 section 8.
    Pbsz(u64),
    /// PROT: how data connections are protected. RFC 4217 section 9.
    Prot(ProtectionLevel),
    /// CCC: protect the control connection no longer. RFC 4217 section 6.
    Ccc,
    /// SSCN: whether to be the TLS client on data connections; none asks (spec 5.6).
    Sscn(Option<bool>),
    /// CPSV: PASV, and be the TLS client on that data connection (spec 5.6).
    Cpsv,
}

/// AUTH's argument.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum AuthMechanism {
    /// `TLS`, and `TLS-C`, which means the same (RFC 4217 section 6).
    Tls,
    /// `SSL`, and `TLS-P`: older drafts of RFC 4217.
    Ssl,
    /// Another mechanism: answered 504.
    Other(Text),
}

/// As on the wire.
impl fmt::Display for AuthMechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => "TLS",
            Self::Ssl => "SSL",
            Self::Other(mechanism) => mechanism.as_str(),
        })
    }
}

/// PROT's argument. RFC 2228 section 3.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum ProtectionLevel {
    /// `C`: clear.
    #[default]
    Clear,
    /// `S`: integrity alone; TLS has no such thing.
    Safe,
    /// `E`: confidentiality alone; TLS has no such thing.
    Confidential,
    /// `P`: both, which is TLS.
    Private,
}

impl ProtectionLevel {
    /// The letter on the wire.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Clear => 'C',
            Self::Safe => 'S',
            Self::Confidential => 'E',
            Self::Private => 'P',
        }
    }
}

/// EPRT's argument. RFC 2428 section 2.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum EprtArgument {
    /// An address of a protocol we know.
    Socket(HostSocket),
    /// Well formed, but of a protocol RFC 2428 does not define: answered 522.
    UnknownProtocol(u32),
}

/// EPSV's argument. RFC 2428 section 3.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum EpsvArgument {
    /// None: the protocol of the control connection.
    Default,
    /// A protocol.
    Protocol(NetworkProtocol),
    /// `ALL`: the user promises to set up data connections in no other way.
    All,
}

/// REST's argument.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum RestartPoint {
    /// A byte offset (MODE S, RFC 3659 section 5). Digits alone always parse as this.
    Offset(u64),
    /// A marker (MODE B and C): printable octets 33 to 126, 1 to 255 of them.
    Marker(Text),
}

/// Why a line is no command.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The code is not one we know (500).
    #[error("unknown command")]
    Unknown,
    /// The line, or what came in place of one, is another protocol's: close (421, spec S-38).
    #[error("another protocol is spoken")]
    OtherProtocol,
    /// SITE is followed by a word that we do not know (500).
    #[error("unknown SITE subcommand")]
    UnknownSubcommand,
    /// The code is known and not implemented (502).
    #[error("{0} is not implemented")]
    NotImplemented(Verb),
    /// The argument is missing, malformed, or given where none is allowed (501).
    #[error("{verb}: {problem}")]
    Argument {
        /// The command.
        verb: Verb,
        /// What is wrong and what was expected; never quotes the argument (spec S-62).
        problem: &'static str,
    },
    /// The argument is well formed and names something we do not do (504).
    #[error("{verb}: {problem}")]
    NotSupported {
        /// The command.
        verb: Verb,
        /// What is not supported, and what is.
        problem: &'static str,
    },
    /// The pathname is not UTF-8 (553).
    #[error("{0}: the pathname is not UTF-8")]
    NotUtf8(Verb),
    /// The line is longer than the limit; it was discarded whole (500, spec Q-5).
    #[error("the line is too long")]
    LineTooLong,
    /// The line holds a bare LF or a NUL; it was discarded whole (501, spec Q-4).
    #[error("the line holds a bare line feed or a NUL")]
    ForbiddenOctet,
}

#[cfg(test)]
mod tests;
