//! Who logs in: the place, the environment, the terminal, or anonymous. Design section 4.

use std::io::IsTerminal as _;

use thirdhost_client::{Credentials, Error, Password, Remote, Text};

use crate::console::Console;
use crate::failure::Failure;

/// The credentials for a place, from the first that answers.
pub(crate) fn find(console: &Console, remote: &Remote) -> Result<Credentials, Failure> {
    let Some(user) = &remote.user else {
        return Ok(Credentials::anonymous());
    };
    if let Some(password) = &remote.password {
        console.note(&format!(
            "the password for {} stands in the command line, where others can read it; use {}",
            remote.site(),
            variable(&remote.host)
        ));
        return Ok(of(user, password.clone()));
    }
    if let Ok(password) = std::env::var(variable(&remote.host)) {
        return Ok(of(user, password_of(&password)?));
    }
    if matches!(user.as_str(), "anonymous" | "ftp") {
        return Ok(of(user, password_of("anonymous@")?));
    }
    prompt(user, remote)
}

fn prompt(user: &Text, remote: &Remote) -> Result<Credentials, Failure> {
    let missing = || Failure::NoPassword {
        user: user.to_string(),
        host: remote.host.clone(),
        variable: variable(&remote.host),
    };
    if !std::io::stdin().is_terminal() {
        return Err(missing());
    }
    let question = format!("password for {user} at {}: ", remote.site());
    let password = rpassword::prompt_password(question).map_err(|_| missing())?;
    Ok(of(user, password_of(&password)?))
}

fn of(user: &Text, password: Password) -> Credentials {
    Credentials {
        user: user.clone(),
        password,
        account: None,
    }
}

fn password_of(password: &str) -> Result<Password, Failure> {
    Password::try_from(password).map_err(|problem| Error::from(problem).into())
}

/// `THIRDHOST_PASSWORD_<SITE>`: the host in capitals, what is no letter or digit as `_`.
fn variable(host: &str) -> String {
    let site: String = host
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    format!("THIRDHOST_PASSWORD_{site}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_named_after_the_host() {
        for (host, expected) in [
            ("ftp.example.org", "THIRDHOST_PASSWORD_FTP_EXAMPLE_ORG"),
            ("127.0.0.1", "THIRDHOST_PASSWORD_127_0_0_1"),
            ("::1", "THIRDHOST_PASSWORD___1"),
        ] {
            assert_eq!(variable(host), expected);
        }
    }
}
