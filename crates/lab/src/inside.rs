//! A program that takes all it has started with it.

use std::io;
use std::process::{Command, ExitCode};

/// Where a program goes on.
#[derive(Debug)]
pub enum Inside {
    /// Here: all processes started from now on end with this one, whatever ends it.
    Here,
    /// It has run in another process, and this is how that ended.
    Elsewhere(ExitCode),
}

/// Starts this program again, with the same arguments, as the first of its own namespace of
/// processes; to be asked first thing in `main`.
///
/// # Errors
/// When `unshare` (util-linux) cannot be run.
pub fn inside() -> io::Result<Inside> {
    if std::env::var_os(MARK).is_some() {
        return Ok(Inside::Here);
    }
    let status = Command::new("unshare")
        .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
        // The shell is the first process of the namespace and takes in its orphans.
        .args(["sh", "-c", "\"$0\" \"$@\""])
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(MARK, "1")
        .status()
        .map_err(|error| io::Error::new(error.kind(), format!("unshare: {error}")))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(Inside::Elsewhere(ExitCode::from(code.unwrap_or(1))))
}

const MARK: &str = "THIRDHOST_LAB_INSIDE";
