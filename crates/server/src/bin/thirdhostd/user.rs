//! `thirdhostd user`: a password from the terminal or stdin into the users file, and who is in it.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use thirdhost_proto::server::Permission;
use thirdhost_server::config::{
    Change, ConfigError, SetUserError, read_users, remove_user, set_user,
};
use thirdhost_wire::{Password, PathnameError};

use crate::log::tell;

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
        Change::Added => "added: read only; the home is the directory of that name beneath root",
        Change::Changed => "has a new password",
    };
    tell(format_args!(
        "{name} {done}; a running server reads it on SIGHUP"
    ));
    Ok(())
}

/// Takes the user out of the file.
pub(crate) fn remove(name: &str, users: &Path) -> Result<(), UserError> {
    let removed = remove_user(users, name).map_err(|source| UserError::Set {
        file: users.display().to_string(),
        source,
    })?;
    if !removed {
        return Err(UserError::Unknown(name.to_owned()));
    }
    tell(format_args!(
        "{name} removed; a running server reads it on SIGHUP"
    ));
    Ok(())
}

/// Prints a line per user: name, home, what logs in, permissions, third-party.
pub(crate) fn list(users: &Path) -> Result<(), UserError> {
    let mut text = String::new();
    for user in read_users(users).map_err(UserError::File)? {
        let account = &user.account;
        let by_certificate = !account.admission.certificates.is_empty();
        let password = match (&user.password, by_certificate) {
            (Some(_), false) => "password",
            (Some(_), true) => "password,certificate",
            (None, true) => "certificate",
            (None, false) => "no-password",
        };
        let allowed = Permission::ALL.into_iter();
        let allowed: Vec<&str> = allowed
            .filter(|permission| account.permissions.everywhere().contains(*permission))
            .map(Permission::word)
            .collect();
        let third_party = match account.third_party {
            Some(_) => "third-party",
            None => "-",
        };
        text.push_str(&format!(
            "{}\t{}\t{password}\t{}\t{third_party}\n",
            account.name,
            account.home,
            allowed.join(","),
        ));
    }
    // Whoever stops reading has read enough.
    io::stdout().write_all(text.as_bytes()).ok();
    Ok(())
}

/// Why no password was set, or no user found.
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
    #[error("there is no user {0:?} in the file")]
    Unknown(String),
    #[error(transparent)]
    File(ConfigError),
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
