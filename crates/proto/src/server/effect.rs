//! What a server-PI asks for and is told: two closed enums, nothing else goes in or out.

use thirdhost_wire::{
    ByteRange, FactSet, HashAlgorithm, Password, Reply, RepresentationType, Text, TimeVal,
};

use super::arrange::{Arrange, ArrangeRefusal, Arranged};
use super::operation::{Opened, Outcome, Skip, Transfer};
use super::{Permissions, VirtualPath};

/// A thing to do, in the order in which they are polled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Send a reply to the user.
    Reply(Reply),
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
    /// STAT with a pathname. Answer: `Lines`.
    Status(VirtualPath),
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
    /// This store cannot do that.
    NotSupported,
    /// Reading or writing failed.
    Failed,
}

/// A thing that has happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// The answer to [`Effect::Authenticate`]: who the user is, or none.
    Authenticated(Option<Identity>),
    /// Another answer to [`Effect::Authenticate`]: the password is right, but as many sessions
    /// of this user as there may be are logged in already.
    TooManySessions,
    /// Another answer to [`Effect::Authenticate`]: the login failed, and as many of its host as
    /// there may be wait for their answer already.
    TooManyFailures,
    /// The answer to [`Effect::Arrange`].
    Arranged(Result<Arranged, ArrangeRefusal>),
    /// The answer to [`Effect::Ask`].
    Answered(Result<Answer, Refusal>),
    /// The file of the transfer is open; data connection and data follow.
    Opened(Opened),
    /// The transfer is over.
    Finished(Outcome),
    /// The answer to [`Effect::StartTls`] and [`Effect::EndTls`]: whether TLS protects the control
    /// connection now.
    Protected(bool),
    /// The answer to [`Effect::AskProgress`].
    Progress {
        /// Bytes moved so far.
        moved: u64,
        /// Bytes in all, where known.
        total: Option<u64>,
    },
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
}
