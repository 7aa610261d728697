//! What a server-PI asks for and is told: two closed enums, nothing else goes in or out.

use thirdhost_wire::{
    ByteRange, Direction, FactSet, FileHash, HashAlgorithm, HostName, HostSocket, PartsKey,
    Password, Reply, RepresentationType, Text, TimeVal,
};

use super::arrange::{Arrange, ArrangeRefusal, Arranged};
use super::operation::{Opened, Outcome, Route, Skip, Transfer};
use super::{ClearTransfers, Permissions, VirtualPath};

/// A thing to do, in the order in which they are polled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Send a reply to the user.
    Reply(Reply),
    /// Tell what USER is to be answered: asked only where [`super::Settings::users_differ`].
    /// Answered by [`Event::Introduced`] or [`Event::TooManySessions`].
    Introduce {
        /// The name from USER.
        user: Text,
    },
    /// Check a password. Answered by [`Event::Authenticated`] or
    /// [`Event::TooManySessions`].
    Authenticate {
        /// The name from USER.
        user: Text,
        /// The argument of PASS.
        password: Password,
    },
    /// Arrange a data connection. Answered by [`Event::Arranged`].
    Arrange(Arrange),
    /// Make the data connection now and keep it for the next transfer, which makes the TLS
    /// handshake on it if there is to be one: ESTA, ESTP. Answered by [`Event::Established`].
    /// [`Effect::StopTransfer`] ends the wait.
    Establish {
        /// How it comes about; policy is asked again.
        route: Route,
        /// A way in which data may go with that peer; policy is asked with it.
        direction: Direction,
    },
    /// Give back the reserved socket and reset what waits in its backlog.
    Release,
    /// Close the data connection that was kept open; the reserved socket stays.
    Disconnect,
    /// Ask the store. Answered by [`Event::Answered`].
    Ask(Question),
    /// Open the file, then the data connection, and move bytes. Answered by [`Event::Opened`]
    /// when the file is open, and by [`Event::Finished`] in any case.
    Transfer(Transfer),
    /// Fill the place of a refused command in a pipeline: send a failed file of that number, or
    /// read the file of that number and drop it. Answered by [`Event::Finished`].
    Skip(Skip),
    /// Stop the running transfer or skip; [`Event::Finished`] is still owed.
    StopTransfer,
    /// Tell how far the running transfer is. Answered by [`Event::Progress`].
    AskProgress,
    /// Send what is queued, then make the TLS handshake on the control connection as its server.
    /// Whatever came in clear behind AUTH ends the session (spec S-30), and so does a handshake
    /// that fails. Answered by [`Event::Protected`].
    StartTls,
    /// Send what is queued, then end TLS on the control connection, which stays (RFC 4217
    /// section 13). Answered by [`Event::Protected`].
    EndTls,
    /// Send what is queued and close the control connection.
    Close,
}

/// A question to the store, answered by [`Event::Answered`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Question {
    /// Is there a directory that the user may enter? CWD, CDUP. Answer: `Done`.
    Enter(VirtualPath),
    /// MKD. Answer: `Done`.
    MakeDirectory(VirtualPath),
    /// RMD. Answer: `Done`.
    RemoveDirectory(VirtualPath),
    /// DELE. Answer: `Done`.
    Delete(VirtualPath),
    /// RNFR: is there something to rename? Answer: `Done`.
    Exists(VirtualPath),
    /// RNTO. Answer: `Done`.
    Rename {
        /// The name RNFR gave, resolved again now (spec S-48).
        from: VirtualPath,
        /// The new name.
        to: VirtualPath,
        /// Whether a file that has the new name may be replaced.
        replace: bool,
    },
    /// SIZE: the octets a transfer would move. Answer: `Size`.
    Size {
        /// The file.
        path: VirtualPath,
        /// The representation to count in; line ends take two octets in ASCII.
        representation: RepresentationType,
    },
    /// MDTM. Answer: `Text`, the time in RFC 3659's form.
    Modified(VirtualPath),
    /// MLST. Answer: `Text`, one line of facts and name.
    Facts {
        /// The file or directory.
        path: VirtualPath,
        /// Which facts to tell.
        facts: FactSet,
    },
    /// MFMT, MFF, SITE CHMOD and SITE UTIME: facts that a file or directory is to have.
    /// Answer: `Done`.
    SetFacts {
        /// The file or directory.
        path: VirtualPath,
        /// When it was last modified.
        modified: Option<TimeVal>,
        /// Its permission bits, at most 777 octal.
        mode: Option<u32>,
    },
    /// HASH, XCRC and their kin. Answer: `Hash`, or a refusal.
    Hash {
        /// How to compute it.
        algorithm: HashAlgorithm,
        /// What may be meant: the first that is there is.
        targets: Vec<HashTarget>,
    },
    /// SITE WHO: a line for each session of the server. Answer: `Lines`.
    Who,
    /// ALLO: may the user store a file of that size now? Answer: `Done`.
    Room {
        /// The size of the file.
        octets: u64,
    },
    /// SITE PARTS: a file that several sessions store at once.
    Parts(PartsQuestion),
    /// STAT with a pathname. Answer: `Lines`.
    Status(VirtualPath),
}

/// A question about a file that several sessions store at once, each a part of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PartsQuestion {
    /// Begin one; whatever the session began before is given up. Answer: `Parts`.
    Open {
        /// The name it will have.
        path: VirtualPath,
        /// How long it will be.
        octets: u64,
    },
    /// Is there such a file of this user? Answer: `Done`.
    Join(PartsKey),
    /// How many octets of it have come? Answer: `Size`.
    Size(PartsKey),
    /// Let the file that the session began appear, if it is whole. Answer: `Done`.
    Close {
        /// What it has to be; nothing appears otherwise.
        proof: Option<FileHash>,
    },
    /// Give up the file that the session began. Answer: `Done`.
    Drop,
}

/// A file, or some octets of it, to be hashed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HashTarget {
    /// The file.
    pub path: VirtualPath,
    /// Which octets; all without.
    pub range: Option<ByteRange>,
}

/// The store's answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// It is done, or it is so.
    Done,
    /// A size in octets.
    Size(u64),
    /// A hash, and what it is of.
    Hash {
        /// In hexadecimal, lower case.
        digest: String,
        /// The first octet.
        first: u64,
        /// The octet behind the last.
        end: u64,
    },
    /// The key of a file of parts.
    Parts(PartsKey),
    /// One line.
    Text(String),
    /// Lines of a listing; `directory` tells which reply they go into.
    Lines {
        /// Whether a directory was listed, or one file.
        directory: bool,
        /// The lines.
        lines: Vec<String>,
    },
}

/// Why the store did not do it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Refusal {
    /// Nothing is there.
    NotFound,
    /// The system does not permit it.
    NotPermitted,
    /// Something is there already.
    Exists,
    /// A directory was wanted.
    NotDirectory,
    /// A regular file was wanted.
    NotFile,
    /// The directory is not empty.
    NotEmpty,
    /// The name is reserved or impossible.
    NameNotAllowed,
    /// Another transfer holds the file.
    Busy,
    /// The restart point lies beyond the end.
    BadOffset,
    /// No room, or a quota is used up.
    NoSpace,
    /// The file is larger than the user's files may be.
    TooLarge,
    /// The file is too large to count its line ends for SIZE in TYPE A.
    TooLargeToCount,
    /// More octets than the server hashes for one command.
    TooLargeToHash,
    /// The server has as much to do of this kind as it takes on at once.
    Overloaded,
    /// A pattern has more stars, or matches more names, than are looked for.
    PatternTooWide,
    /// Not with a third host: the operator has named other paths, or wants TLS (spec S-11).
    ThirdHost,
    /// This store cannot do that.
    NotSupported,
    /// Octets of it are missing.
    Incomplete,
    /// Its hash is another than the one that was told.
    Differs,
    /// Reading or writing failed.
    Failed,
}

/// A thing that has happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// The answer to [`Effect::Authenticate`]: who the user is, or none.
    Authenticated(Option<Identity>),
    /// The answer to [`Effect::Introduce`].
    Introduced(Introduced),
    /// Another answer to [`Effect::Authenticate`] and [`Effect::Introduce`]: the user is right,
    /// but as many sessions of this user as there may be are logged in already.
    TooManySessions,
    /// Another answer to [`Effect::Authenticate`]: the login failed, and as many of its host as
    /// there may be wait for their answer already.
    TooManyFailures,
    /// The answer to [`Effect::Arrange`].
    Arranged(Result<Arranged, ArrangeRefusal>),
    /// The answer to [`Effect::Establish`]: of a call our own socket, of a caller the caller's;
    /// `None` where no connection came about, whatever the reason.
    Established(Option<HostSocket>),
    /// The answer to [`Effect::Ask`].
    Answered(Result<Answer, Refusal>),
    /// The file of the transfer is open; data connection and data follow.
    Opened(Opened),
    /// All that came before a restart marker of the source is stored (spec M-32).
    Marked {
        /// The marker, as the source has it.
        theirs: Text,
        /// How many octets our file has there.
        octets: u64,
    },
    /// The transfer is over.
    Finished(Outcome),
    /// The answer to [`Effect::StartTls`] and [`Effect::EndTls`].
    Protected {
        /// Whether TLS protects the control connection now.
        tls: bool,
        /// The name by which the client called us in the handshake (SNI).
        indicated: Option<HostName>,
    },
    /// The answer to [`Effect::AskProgress`].
    Progress {
        /// Bytes moved so far.
        moved: u64,
        /// Bytes in all, where known.
        total: Option<u64>,
    },
}

/// What USER is to be answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Introduced {
    /// PASS has to follow: 331, for unknown users too (spec S-28).
    Password,
    /// The user's password may not travel in clear: 530.
    TlsFirst,
    /// The certificate that the client has shown is the user's: logged in, 232.
    Known(Identity),
}

/// Who has logged in, as far as the protocol needs to know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// The user's name.
    pub name: String,
    /// What the user may do.
    pub permissions: Permissions,
    /// Whether the user may see who else is here.
    pub operator: bool,
    /// Which data connections may be in clear text, where the user has a rule of their own.
    pub clear_transfers: Option<ClearTransfers>,
}
