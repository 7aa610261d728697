//! Which of the numbers of `thirdhost` an error ends with.

use std::io;

use thirdhost_proto::third_party::{Cause, Failure, Side, Step};
use thirdhost_wire::Reply;

use crate::{Error, ExitCode};

impl Error {
    /// The number `thirdhost` ends with.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Connect { .. } | Self::Silent { .. } | Self::Lost { .. } => ExitCode::Temporary,
            Self::Closing { .. } | Self::DataConnection { .. } => ExitCode::Temporary,
            Self::Stalled { .. } | Self::TakenAway { .. } => ExitCode::Temporary,
            Self::NotAReply { .. } | Self::Misbehaved { .. } | Self::NotSent { .. } => {
                ExitCode::Fatal
            }
            Self::Unusable { .. } | Self::Handshake { .. } => ExitCode::Fatal,
            Self::Distrusted { .. } | Self::NoTls { .. } => ExitCode::Refused,
            Self::PerhapsOneFile { .. } | Self::Unnameable { .. } => ExitCode::Refused,
            Self::Stopped { .. } => ExitCode::Stopped,
            Self::Refused { reply, step, .. } => of_reply(reply, step),
            Self::Local { what, source, .. } if source.kind() == io::ErrorKind::NotFound => {
                match *what {
                    OPEN_DIRECTORY => ExitCode::DirectoryNotFound,
                    _ => ExitCode::FileNotFound,
                }
            }
            // Another copy has it.
            Self::Local { source, .. } if source.kind() == io::ErrorKind::ResourceBusy => {
                ExitCode::Temporary
            }
            Self::Here { .. } | Self::Local { .. } | Self::Unverifiable { .. } => ExitCode::Other,
            Self::Argument(_) | Self::OneServer { .. } => ExitCode::Usage,
            Self::NotVerified { .. } => ExitCode::PartlyDone,
            Self::Displaced { source, .. } => source.exit_code(),
            Self::ThirdParty { failure, .. } => of_failure(failure),
            Self::ThirdPartyRefused { .. } => ExitCode::ThirdPartyRefused,
            Self::Verification { .. } | Self::HashDiffers { .. } | Self::PartsDiffer { .. } => {
                ExitCode::VerificationFailed
            }
        }
    }
}

fn of_failure(failure: &Failure) -> ExitCode {
    match &failure.cause {
        Cause::Reply(reply) if failure.step == Step::Presence => of_reply(reply, "SIZE"),
        Cause::Reply(reply) if failure.side == Side::Source => of_reply(reply, "RETR"),
        Cause::Reply(reply) => of_reply(reply, "STOR"),
        Cause::Unusable { .. } if failure.step == Step::Presence => ExitCode::FileNotFound,
        Cause::Lost | Cause::Closing(_) | Cause::InUse(_) => ExitCode::Temporary,
        Cause::Stopped => ExitCode::Stopped,
        Cause::OutOfStep(_) => ExitCode::Fatal,
        Cause::Unusable { .. } | Cause::Address { .. } | Cause::Impossible(_) => ExitCode::Refused,
    }
}

/// 550 means "not there" to what reads; to what writes it means "not allowed".
fn of_reply(reply: &Reply, step: &str) -> ExitCode {
    match (reply.code().number(), step) {
        (550, "RETR" | "SIZE" | "MLST" | "MDTM" | "DELE" | "RNFR") => ExitCode::FileNotFound,
        (550, "MLSD" | "LIST" | "CWD" | "RMD") => ExitCode::DirectoryNotFound,
        _ if reply.code().is_transient_negative() => ExitCode::Temporary,
        _ => ExitCode::Refused,
    }
}

/// What is done to a directory of this host that files are to come into.
pub(crate) const OPEN_DIRECTORY: &str = "open the directory";
