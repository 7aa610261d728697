//! The process confines itself, where the kernel can: to the files it needs by Landlock, to the
//! system calls it needs by seccomp (spec S-74).
//!
//! | where | what |
//! |---|---|
//! | beneath the root | reading, writing, making and removing files and directories |
//! | the directories of the configuration, the users file and what else is read again | reading |
//! | where systems keep the CAs they trust | reading |
//! | the directory of the xferlog | appending, and making it |
//! | the network | TCP, anywhere: which peers may be met is the policy's business |
//! | system calls | those of `calls.rs`; no program is started, no process looked into |
//!
//! Directories, not files: an editor, `user set` and certificate renewal put new files there.
//!
//! Landlock bounds what is opened, made, renamed and removed. It does not keep a process from
//! asking whether a name is there, or from changing the mode and the times of a file of its own
//! user that it could not open.

use std::path::Path;

use thirdhost_server::config::Config;

mod calls;
#[cfg(target_os = "linux")]
pub(crate) mod check;
#[cfg(not(target_os = "linux"))]
#[path = "check_never.rs"]
pub(crate) mod check;
#[cfg(target_os = "linux")]
mod files;

/// What came of both confinements.
#[derive(Debug)]
struct Confined {
    files: Result<(), String>,
    calls: Result<(), String>,
}

/// Confines this thread and all that it starts. To be called before there are other threads.
///
/// # Errors
/// When the kernel does not do all of it, and `required` says that it has to.
pub(crate) fn confine(config: &Config, file: Option<&Path>, required: bool) -> Result<(), String> {
    let Confined { files, calls } = apply(config, file);
    match files {
        Ok(()) => tracing::info!("confined by Landlock to the root and the configuration"),
        Err(why) if required => return Err(format!("--require-sandbox: not confined: {why}")),
        Err(why) => tracing::warn!(why, "not confined by Landlock"),
    }
    match calls {
        Ok(()) => tracing::info!("confined by seccomp to the system calls of a file server"),
        Err(why) if required => return Err(format!("--require-sandbox: not confined: {why}")),
        Err(why) => tracing::warn!(why, "not confined by seccomp"),
    }
    Ok(())
}

/// The one way in which a process is confined here, be it to serve or to be tried.
fn apply(config: &Config, file: Option<&Path>) -> Confined {
    // The filter comes second: it has no place for the calls that make a Landlock rule.
    Confined {
        files: to_files(config, file),
        calls: calls::confine(),
    }
}

#[cfg(target_os = "linux")]
fn to_files(config: &Config, file: Option<&Path>) -> Result<(), String> {
    files::Reach::new(config, file).confine()
}

#[cfg(not(target_os = "linux"))]
fn to_files(_: &Config, _: Option<&Path>) -> Result<(), String> {
    Err("this system has no Landlock".to_owned())
}
