//! What can go wrong: what happened, at which server, at which step, and what to do.

use std::io;
use std::time::Duration;

use thirdhost_proto::third_party::{Failure, Side};
use thirdhost_proto::user::SendRefused;
use thirdhost_wire::{CodecError, PathnameError, Reply};

use crate::{Distrust, Refusal};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server cannot be reached.
    #[error("cannot connect to {server}: {source}; check host and port, and that a server runs")]
    Connect {
        /// The server.
        server: String,
        /// What the system said.
        source: io::Error,
    },
    /// The server did not answer in time.
    #[error("{server} said nothing for {after:?} at {step}; try again, or raise the limit")]
    Silent {
        /// The server.
        server: String,
        /// What it was asked.
        step: &'static str,
        /// How long.
        after: Duration,
    },
    /// The file at the destination stopped growing; the servers were told to abort.
    #[error("{server} received nothing more of the file for {after:?}; try again")]
    Stalled {
        /// The destination.
        server: String,
        /// How long.
        after: Duration,
    },
    /// The person stopped it; the servers were told to abort.
    #[error("stopped at {step} with {server}")]
    Stopped {
        /// The server.
        server: String,
        /// What it was asked.
        step: &'static str,
    },
    /// The control connection broke.
    #[error("{server} closed the control connection at {step}; try again")]
    Lost {
        /// The server.
        server: String,
        /// What it was asked.
        step: &'static str,
        /// What the system said, if it was not an orderly end.
        source: Option<io::Error>,
    },
    /// 421.
    #[error(
        "{server} ended the session at {step}: {}; try again later",
        said(reply)
    )]
    Closing {
        /// The server.
        server: String,
        /// What it was asked.
        step: &'static str,
        /// Its reply.
        reply: Reply,
    },
    /// What the server sent is no reply.
    #[error("{server} does not speak FTP at {step}: {source}; check host and port")]
    NotAReply {
        /// The server.
        server: String,
        /// What it was asked.
        step: &'static str,
        /// What is wrong with it.
        source: CodecError,
    },
    /// The server broke the rules of the dialogue, or tried to use up our memory or time.
    #[error("{server} is out of step at {step}: {problem}; nothing it says is used any more")]
    Misbehaved {
        /// The server.
        server: String,
        /// What it was asked.
        step: &'static str,
        /// What it did.
        problem: String,
    },
    /// The command cannot be sent on this connection any more.
    #[error("cannot send {step} to {server}: {source}")]
    NotSent {
        /// The server.
        server: String,
        /// The command.
        step: &'static str,
        /// Why not.
        source: SendRefused,
    },
    /// The server would take the name for another one.
    #[error(
        "{server} is a GridFTP server, which drops what is not ASCII from names, so that another \
         file may be meant; rename the file first"
    )]
    Unnameable {
        /// The server.
        server: String,
    },
    /// The server said no.
    #[error("{server} refused {step}: {}{hint}", said(reply))]
    Refused {
        /// The server.
        server: String,
        /// What it was asked.
        step: &'static str,
        /// Its reply.
        reply: Reply,
        /// What to do about it; begins with `; ` or is empty.
        hint: &'static str,
    },
    /// The server's reply means success and cannot be used.
    #[error("{server} answered {step} with {}: {problem}", said(reply))]
    Unusable {
        /// The server.
        server: String,
        /// What it was asked.
        step: &'static str,
        /// Its reply.
        reply: Reply,
        /// What is wrong with it.
        problem: String,
    },
    /// Our data connection failed.
    #[error("the data connection with {server} failed at {step}: {source}; try again")]
    DataConnection {
        /// The server.
        server: String,
        /// The command.
        step: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// TLS did not come about. Nothing was said under it.
    #[error(
        "the TLS handshake with {server} failed: {source}; check the port, and that the server \
         has TLS 1.2 or 1.3"
    )]
    Handshake {
        /// The server.
        server: String,
        /// What went wrong.
        source: io::Error,
    },
    /// The server's certificate is not believed. Nothing was said to it.
    #[error("{server} is not believed to be itself: {why}")]
    Distrusted {
        /// The server.
        server: String,
        /// Why not, and what to do.
        why: Box<Distrust>,
    },
    /// A server of `known_servers` offers no TLS any more.
    #[error(
        "{server} offers no TLS, which it did before; somebody may be in between. It is not \
         spoken to in clear text unless you say --clear-text"
    )]
    NoTls {
        /// The server.
        server: String,
    },
    /// Reading or writing at our own side failed.
    #[error("cannot read or write here while {server} was asked {step}: {source}")]
    Here {
        /// The server.
        server: String,
        /// The command.
        step: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A file or directory of this host.
    #[error("cannot {what} {}: {source}", path.display())]
    Local {
        /// What was done to it.
        what: &'static str,
        /// Which.
        path: std::path::PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Both servers said done, and the hashes differ.
    #[error(
        "{server} has other bytes than the source ({algorithm} differs), though both servers said \
         done; do not trust the file, copy it again"
    )]
    HashDiffers {
        /// The destination.
        server: String,
        /// Which hash.
        algorithm: &'static str,
    },
    /// What was copied in parts is no file that the source has now.
    #[error(
        "what was copied in parts is not what {server} has now ({what} differs); copy it again"
    )]
    PartsDiffer {
        /// The source.
        server: String,
        /// Size and time, or which hash.
        what: &'static str,
    },
    /// A name or text that would break the command line (spec S-61).
    #[error("this cannot be sent: {0}")]
    Argument(#[from] PathnameError),
    /// A third-party transfer failed, and no other arrangement would help.
    #[error(
        "{} failed at {}: {}{}", name(servers, failure.side), failure.step, failure.cause,
        others_words(servers, failure)
    )]
    ThirdParty {
        /// The source's and the destination's name.
        servers: [String; 2],
        /// Where and why.
        failure: Box<Failure>,
        /// How one of the control connections broke, if that was it.
        source: Option<Box<Error>>,
    },
    /// No arrangement brought the two servers together.
    #[error(
        "no direct way was found between {} and {}: {}; third-party transfers must be permitted \
         at one of them at least (thirdhostd: `third_party` of the user), and {relay}",
        servers[0], servers[1], list(refusals)
    )]
    ThirdPartyRefused {
        /// The source's and the destination's name.
        servers: [String; 2],
        /// What was tried, and why it failed.
        refusals: Vec<Refusal>,
        /// Why the bytes did not go through this host.
        relay: &'static str,
    },
    /// Both servers said done, and the sizes differ (spec U-8).
    #[error(
        "{server} has {found} bytes where {expected} were expected, though both servers said done; \
         do not trust the file, copy it again"
    )]
    Verification {
        /// The destination.
        server: String,
        /// What should be there.
        expected: u64,
        /// What SIZE says.
        found: u64,
    },
    /// A file made room for a new one of its name, and the dialogue broke before it had the name
    /// back or was removed. What was told last may or may not have been carried out: the old file
    /// still has its own name, or is called `old`, and the new one may have the name by then.
    #[error("{source}; {}", displaced(old))]
    Displaced {
        /// What it is called.
        old: String,
        /// Why.
        source: Box<Error>,
    },
    /// What had arrived under another name until it was whole was gone by then, more than once.
    #[error(
        "{set_aside} was removed or renamed at {server} before it got its name, more than once; \
         end other copies to the same place and try again"
    )]
    TakenAway {
        /// The destination.
        server: String,
        /// What it was called.
        set_aside: String,
    },
    /// A file was to be moved, and what arrived could not be verified.
    #[error("{file} was copied but not verified, so the source was left as it is; use cp and rm")]
    NotVerified {
        /// The file.
        file: String,
    },
    /// Both ends of a move are one server, and perhaps one file.
    #[error(
        "both places are on the server at {address}, perhaps the same file; name it alike and with \
         one user, and mv renames"
    )]
    OneServer {
        /// The server.
        address: std::net::SocketAddr,
    },
    /// What is at the destination of a move may be the very file that would be removed.
    #[error(
        "{file} is not moved: a file of the same size is there already at {place}, and both may be \
         one and the same; nothing was copied or removed; remove one of the two yourself"
    )]
    PerhapsOneFile {
        /// The file.
        file: String,
        /// What the destination is called.
        place: String,
    },
    /// The destination cannot say how long the file is, and `--verify size` wants to know.
    #[error("what {server} has cannot be verified ({reason}); use --verify auto or none")]
    Unverifiable {
        /// The server.
        server: String,
        /// Why not.
        reason: &'static str,
    },
}

impl Error {
    /// The server's reply, where one is the reason.
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Closing { reply, .. }
            | Self::Refused { reply, .. }
            | Self::Unusable { reply, .. } => Some(reply),
            Self::ThirdParty { failure, .. } => failure.cause.reply(),
            Self::Displaced { source, .. } => source.reply(),
            _ => None,
        }
    }

    /// Which of the two servers failed first in a third-party transfer.
    #[must_use]
    pub fn side(&self) -> Option<Side> {
        match self {
            Self::ThirdParty { failure, .. } => Some(failure.side),
            Self::Verification { .. } => Some(Side::Destination),
            _ => None,
        }
    }
}

/// Where the file is that made room for another.
pub(crate) fn displaced(old: &str) -> String {
    format!("the file that was there before is called {old} unless it has its own name")
}

pub(crate) fn said(reply: &Reply) -> String {
    format!("\"{} {}\"", reply.code(), reply.lines().join(" / "))
}

fn name(servers: &[String; 2], side: Side) -> String {
    let [source, destination] = servers;
    match side {
        Side::Source => format!("the source {source}"),
        Side::Destination => format!("the destination {destination}"),
    }
}

fn others_words(servers: &[String; 2], failure: &Failure) -> String {
    match &failure.other {
        Some(other) => format!(
            "; {} then said {other}",
            name(servers, failure.side.opposite())
        ),
        None => String::new(),
    }
}

fn list(refusals: &[Refusal]) -> String {
    let lines: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    lines.join("; ")
}
