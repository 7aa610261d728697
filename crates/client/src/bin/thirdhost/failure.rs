//! Why a command failed, for the person who typed it.

use std::io;
use std::path::PathBuf;

use thirdhost_client::{AuthoritiesError, Error, ExitCode, PlaceError};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{place}: {source}")]
    Place { place: String, source: PlaceError },
    #[error("{0}")]
    Usage(String),
    #[error("cannot find the host {host}: {source}; check its name")]
    Resolve { host: String, source: io::Error },
    #[error("the host {0} has no address; check its name")]
    NoAddress(String),
    #[error("no password for {user} at {host}: set {variable}, or run this in a terminal")]
    NoPassword {
        user: String,
        host: String,
        variable: String,
    },
    #[error("cannot {what} {path}: {source}", path = path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{}: {problem}", path.display())]
    Sites { path: PathBuf, problem: String },
    #[error("the password command `{command}` failed: {problem}")]
    PasswordCommand { command: String, problem: String },
    #[error("cannot write to stdout: {0}")]
    Stdout(io::Error),
    #[error("{0}; it is the site's ca_file")]
    Authorities(#[from] AuthoritiesError),
    /// What a server said of one path, which its reply does not name.
    #[error("{path}: {source}")]
    At { path: String, source: Error },
    /// The same, where it was asked again, and has something there.
    #[error(
        "{path}: {source}; it is there, and may not be one to do that to, or not for this user"
    )]
    There { path: String, source: Error },
    #[error(transparent)]
    Client(#[from] Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Place { .. } | Self::Usage(_) | Self::NoPassword { .. } => ExitCode::Usage,
            Self::Authorities(_) | Self::Sites { .. } | Self::PasswordCommand { .. } => {
                ExitCode::Usage
            }
            Self::Resolve { .. } | Self::NoAddress(_) => ExitCode::Temporary,
            Self::File { what, source, .. } if source.kind() == io::ErrorKind::NotFound => {
                match *what {
                    WRITE_IN => ExitCode::DirectoryNotFound,
                    _ => ExitCode::FileNotFound,
                }
            }
            Self::File { .. } | Self::Stdout(_) => ExitCode::Other,
            Self::There { .. } => ExitCode::Refused,
            Self::Client(error) | Self::At { source: error, .. } => error.exit_code(),
        }
    }

    /// Whoever read our output has read enough.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        let kind = match self {
            Self::Stdout(source)
            | Self::Client(Error::Here { source, .. })
            | Self::At {
                source: Error::Here { source, .. },
                ..
            } => source.kind(),
            _ => return false,
        };
        kind == io::ErrorKind::BrokenPipe
    }
}

/// What is done to a directory of this host that a file is to come into.
pub(crate) const WRITE_IN: &str = "write in";
