//! Who logs in: the place, a command, the environment, the site, `~/.netrc`, the terminal, or
//! anonymous. Design section 4.

use std::io::IsTerminal as _;
use std::process::Stdio;

use thirdhost_client::{Credentials, Error, Password, Remote, Text};

use crate::console::Console;
use crate::failure::Failure;
use crate::{netrc, sites};

/// The credentials for a place, from the first that answers.
pub(crate) async fn find(console: &Console, remote: &Remote) -> Result<Credentials, Failure> {
    let name = remote.label.as_deref().unwrap_or(&remote.host);
    let (user, stored) = match (&remote.user, of_netrc(&remote.host, remote.user.as_ref())) {
        (Some(user), stored) => (user.clone(), stored.map(|(_, password)| password)),
        (None, Some((user, password))) => (text(&user)?, Some(password)),
        (None, None) => return Ok(Credentials::anonymous()),
    };
    if let Some(password) = &remote.password {
        console.note(&format!(
            "the password for {} stands in the command line, where others can read it; use {}",
            remote.site(),
            variable(name)
        ));
        return Ok(of(&user, password.clone()));
    }
    if let Some(command) = console.password_command() {
        return Ok(of(
            &user,
            password_of(&answer(command, name, &user).await?)?,
        ));
    }
    if let Ok(password) = std::env::var(variable(name)) {
        return Ok(of(&user, password_of(&password)?));
    }
    let site = match &remote.label {
        Some(label) => sites::find(label)?,
        None => None,
    };
    if let Some(command) = site.and_then(|site| site.password_command) {
        return Ok(of(
            &user,
            password_of(&answer(&command, name, &user).await?)?,
        ));
    }
    if let Some(password) = stored {
        return Ok(of(&user, password_of(&password)?));
    }
    if matches!(user.as_str(), "anonymous" | "ftp") {
        return Ok(of(&user, password_of("anonymous@")?));
    }
    prompt(&user, remote, name)
}

/// The first line that a command of the user's own prints; the site and the user are in
/// `THIRDHOST_SITE` and `THIRDHOST_USER`.
async fn answer(command: &str, site: &str, user: &Text) -> Result<String, Failure> {
    let (shell, flag) = if cfg!(windows) {
        ("cmd", "/C")
    } else {
        ("sh", "-c")
    };
    let failed = |problem: String| Failure::PasswordCommand {
        command: command.to_owned(),
        problem,
    };
    let output = tokio::process::Command::new(shell)
        .args([flag, command])
        .env("THIRDHOST_SITE", site)
        .env("THIRDHOST_USER", user.as_str())
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit())
        .output()
        .await
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| failed("it is not UTF-8".into()))?;
    match text.lines().next() {
        Some(line) => Ok(line.to_owned()),
        None => Err(failed("it prints nothing".to_owned())),
    }
}

fn of_netrc(host: &str, user: Option<&Text>) -> Option<(String, String)> {
    let path = match std::env::var_os("NETRC") {
        Some(path) => path.into(),
        None => std::env::home_dir()?.join(".netrc"),
    };
    let text = std::fs::read_to_string(path).ok()?;
    netrc::find(&text, host, user.map(Text::as_str))
}

fn prompt(user: &Text, remote: &Remote, name: &str) -> Result<Credentials, Failure> {
    let missing = || Failure::NoPassword {
        user: user.to_string(),
        host: remote.host.clone(),
        variable: variable(name),
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

fn text(user: &str) -> Result<Text, Failure> {
    Text::try_from(user).map_err(|problem| Error::from(problem).into())
}

fn password_of(password: &str) -> Result<Password, Failure> {
    Password::try_from(password).map_err(|problem| Error::from(problem).into())
}

/// `THIRDHOST_PASSWORD_<SITE>`: the site's or host's name in capitals, what is no letter or digit
/// as `_`.
fn variable(name: &str) -> String {
    let site: String = name
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

    #[tokio::test]
    async fn a_password_command_answers_with_its_first_line() {
        let user = Text::try_from("u").unwrap();
        let said = answer("echo secret; echo more", "a", &user).await;
        assert_eq!(said.unwrap(), "secret");
        assert!(answer("exit 3", "a", &user).await.is_err());
    }
}
