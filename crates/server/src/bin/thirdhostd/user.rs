//! `thirdhostd user set`: a password from the terminal or stdin into the users file.

use std::io::{self, IsTerminal};
use std::path::Path;

use thirdhost_server::config::{Change, SetUserError, set_user};
use thirdhost_wire::{Password, PathnameError};

/// Asks for a password and gives it to the user.
pub(crate) fn set(name: &str, users: &Path) -> Result<(), UserError> {
    let typed = if io::stdin().is_terminal() {
        from_terminal(name)?
    } else {
        from_stdin()?
    };
    if typed.is_empty() {
        return Err(UserError::Empty);
    }
    let password = Password::try_from(typed.as_str()).map_err(UserError::Unusable)?;
    let change = set_user(users, name, &password).map_err(|source| UserError::Set {
        file: users.display().to_string(),
        source,
    })?;
    let done = match change {
        Change::Added => "added: read only, with a home of the same name",
        Change::Changed => "has a new password",
    };
    eprintln!("{name} {done}; a running server reads it on SIGHUP");
    Ok(())
}

/// Why no password was set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    #[error("the password cannot be read")]
    Unreadable(#[source] io::Error),
    #[error("the two passwords differ")]
    Differ,
    #[error("the password is empty")]
    Empty,
    #[error("the password cannot be sent in FTP")]
    Unusable(#[source] PathnameError),
    #[error("{file}")]
    Set { file: String, source: SetUserError },
}

fn from_terminal(name: &str) -> Result<String, UserError> {
    let ask = |prompt: &str| rpassword::prompt_password(prompt).map_err(UserError::Unreadable);
    let first = ask(&format!("Password for {name}: "))?;
    let second = ask("Once more: ")?;
    if first != second {
        return Err(UserError::Differ);
    }
    Ok(first)
}

fn from_stdin() -> Result<String, UserError> {
    let mut line = String::new();
    io::stdin()
        .read_line(&mut line)
        .map_err(UserError::Unreadable)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
