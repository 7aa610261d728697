//! What is compared when both servers said done, asked for in the same pipeline. Spec U-8.

use thirdhost_wire::{Command, Pathname, Reply, file_size};

use super::batch::option;
use crate::control::hash::{self, Algorithm};
use crate::{ControlConn, Error, Verify};

/// What both servers are asked about a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Proof {
    Nothing,
    Size,
    Hash(Algorithm),
}

impl Proof {
    /// What can be asked of both; none where what is wanted cannot.
    pub(crate) fn wanted(
        verify: Verify,
        source: &ControlConn,
        destination: &ControlConn,
    ) -> Option<Self> {
        let both = |name| source.features().has(name) && destination.features().has(name);
        let by_hash = hash::by_command(source, destination).map(Self::Hash);
        let by_size = both("SIZE").then_some(Self::Size);
        match verify {
            Verify::None => Some(Self::Nothing),
            Verify::Size => by_size,
            Verify::Hash => by_hash,
            // A hash that only other commands tell is left to the usual dialogue.
            Verify::Auto => match hash::common(source, destination) {
                Some(_) => by_hash,
                None => by_size.or(Some(Self::Nothing)),
            },
        }
    }

    /// All that is compared where it does not matter how much is asked; none where what is
    /// wanted cannot be asked of both by SIZE and HASH.
    pub(crate) fn all_wanted(
        verify: Verify,
        source: &ControlConn,
        destination: &ControlConn,
    ) -> Option<Vec<Self>> {
        let has_size = |conn: &ControlConn| conn.features().has("SIZE");
        let size = (has_size(source) && has_size(destination)).then_some(Self::Size);
        let hash = hash::by_command(source, destination).map(Self::Hash);
        match verify {
            Verify::None => Some(Vec::new()),
            Verify::Size => Some(vec![size?]),
            Verify::Hash => Some(vec![size?, hash?]),
            Verify::Auto if hash::common(source, destination).is_some() => Some(vec![size?, hash?]),
            Verify::Auto => Some(vec![size?]),
        }
    }

    /// What makes this server tell the hash that is wanted.
    pub(crate) fn selection(self, conn: &ControlConn) -> Option<Command> {
        match self {
            Self::Hash(algorithm) if !hash::is_selected(conn, algorithm) => {
                option("HASH", algorithm.name)
            }
            _ => None,
        }
    }

    pub(crate) fn question(self, path: &Pathname) -> Option<Command> {
        match self {
            Self::Nothing => None,
            Self::Size => Some(Command::Size(path.clone())),
            Self::Hash(_) => Some(Command::Hash(path.clone())),
        }
    }

    /// Compares what the two servers said. Gives whether sizes were compared, and which hash;
    /// none where a server did not tell what it lists in FEAT: then the usual dialogue finds out
    /// what else can be compared, or asks again where the question was dropped.
    pub(crate) fn compare(
        self,
        verify: Verify,
        names: [&str; 2],
        said: [Option<&Reply>; 2],
    ) -> Result<Option<(bool, Option<&'static str>)>, Error> {
        let [source, destination] = said;
        let server = || names[1].to_owned();
        let is_dropped = said.iter().flatten().any(|reply| is_dropped(reply));
        let unknown = |at: usize| match verify {
            _ if is_dropped => Ok(None),
            Verify::Size | Verify::Hash => Err(Error::Unverifiable {
                server: names.get(at).copied().unwrap_or_default().to_owned(),
                reason: "it does not tell what it lists in FEAT",
            }),
            _ => Ok(None),
        };
        match self {
            Self::Nothing => Ok(Some((false, None))),
            Self::Size => {
                let size = |reply: Option<&Reply>| reply.and_then(|reply| file_size(reply).ok());
                match (size(source), size(destination)) {
                    (None, _) => unknown(0),
                    (_, None) => unknown(1),
                    (Some(expected), Some(found)) if expected == found => Ok(Some((true, None))),
                    (Some(expected), Some(found)) => Err(Error::Verification {
                        server: server(),
                        expected,
                        found,
                    }),
                }
            }
            Self::Hash(algorithm) => {
                let digest =
                    |reply: Option<&Reply>| reply.and_then(|reply| hash::digest(reply, algorithm));
                match (digest(source), digest(destination)) {
                    (None, _) => unknown(0),
                    (_, None) => unknown(1),
                    (Some(expected), Some(found)) if expected == found => {
                        Ok(Some((false, Some(algorithm.name))))
                    }
                    _ => Err(Error::HashDiffers {
                        server: server(),
                        algorithm: algorithm.name,
                    }),
                }
            }
        }
    }
}

/// Whether a command was not done, because the transfer before it was given up: 225 to ABOR
/// answers all before it, and ours says 426 to each.
pub(crate) fn is_dropped(reply: &Reply) -> bool {
    DROPPED.contains(&reply.code().number())
}

const DROPPED: [u16; 2] = [225, 426];
