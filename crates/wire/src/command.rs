//! Commands as values: one variant a verb. RFC 959 section 4.1, RFC 438 clauses a and d.

use crate::{
    Direction, HostSocket, NetworkProtocol, Password, Pathname, RepresentationType, SockArgument,
    Structure, Text, TransmissionMode,
};

/// A command with its argument. X-forms (XCWD, XPWD …) become their plain verbs.
///
/// Not `#[non_exhaustive]`: a new verb must break every match.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Command {
    // access control
    User(Text),
    Pass(Password),
    Acct(Text),
    Cwd(Pathname),
    Cdup,
    Rein,
    Quit,
    // transfer parameters
    Port(HostSocket),
    Eprt(EprtArgument),
    Pasv,
    Epsv(EpsvArgument),
    Lstn { direction: Direction, protocol: Option<NetworkProtocol> },
    Sock(SockArgument),
    Type(RepresentationType),
    Stru(Structure),
    Mode(TransmissionMode),
    // service
    Retr(Pathname),
    Stor(Pathname),
    Stou(Option<Pathname>),
    Appe(Pathname),
    Allo { bytes: u64, record: Option<u64> },
    Rest(RestartPoint),
    Rnfr(Pathname),
    Rnto(Pathname),
    Abor,
    Dele(Pathname),
    Rmd(Pathname),
    Mkd(Pathname),
    Pwd,
    List(Option<Pathname>),
    Nlst(Option<Pathname>),
    Mlst(Option<Pathname>),
    Mlsd(Option<Pathname>),
    Size(Pathname),
    Mdtm(Pathname),
    Syst,
    Stat(Option<Pathname>),
    Help(Option<Text>),
    Feat,
    Opts { command: Text, options: Option<Text> },
    Noop,
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

/// Every command code we know by name, whether it is implemented or not.
///
/// An unknown code is answered 500, a known one without an implementation 502 (spec Q-16).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "each variant is the command code itself")]
pub enum Verb {
    User,
    Pass,
    Acct,
    Cwd,
    Cdup,
    Rein,
    Quit,
    Port,
    Eprt,
    Pasv,
    Epsv,
    Lstn,
    Sock,
    Type,
    Stru,
    Mode,
    Retr,
    Stor,
    Stou,
    Appe,
    Allo,
    Rest,
    Rnfr,
    Rnto,
    Abor,
    Dele,
    Rmd,
    Mkd,
    Pwd,
    List,
    Nlst,
    Mlst,
    Mlsd,
    Size,
    Mdtm,
    Syst,
    Stat,
    Help,
    Feat,
    Opts,
    Noop,
    Actv,
    Adat,
    Algs,
    Auth,
    Avbl,
    Ccc,
    Cepr,
    Clnt,
    Conf,
    Cpsv,
    Csid,
    Dcau,
    Enc,
    Eret,
    Esta,
    Esto,
    Estp,
    Hash,
    Host,
    Lang,
    Lprt,
    Lpsv,
    Mfct,
    Mff,
    Mfmt,
    Mic,
    Pbsz,
    Pret,
    Prot,
    Rang,
    Sbuf,
    Site,
    Smnt,
    Spas,
    Spor,
    Sscn,
    Xcrc,
    Xmd5,
    Xsha,
    Xsha1,
    Xsha256,
    Xsha512,
}

/// Why a line is no command.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The code is not one we know (500).
    #[error("unknown command")]
    Unknown,
    /// The code is known and not implemented (502).
    #[error("{0:?} is not implemented")]
    NotImplemented(Verb),
    /// The argument is missing, malformed, or given where none is allowed (501).
    #[error("{verb:?}: {problem}")]
    Argument {
        /// The command.
        verb: Verb,
        /// What is wrong and what was expected; never quotes the argument (spec S-62).
        problem: &'static str,
    },
    /// The argument is well formed and names something we do not do (504).
    #[error("{verb:?}: {problem}")]
    NotSupported {
        /// The command.
        verb: Verb,
        /// What is not supported, and what is.
        problem: &'static str,
    },
    /// The pathname is not UTF-8 (553).
    #[error("{0:?}: the pathname is not UTF-8")]
    NotUtf8(Verb),
    /// The line is longer than the limit; it was discarded whole (500, spec Q-5).
    #[error("the line is too long")]
    LineTooLong,
    /// The line holds a bare LF or a NUL; it was discarded whole (501, spec Q-4).
    #[error("the line holds a bare line feed or a NUL")]
    ForbiddenOctet,
}
