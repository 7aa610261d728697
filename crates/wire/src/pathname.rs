//! Pathnames, free text and passwords: strings that cannot break a line.

use std::fmt;

/// A pathname as it travels: UTF-8, never empty, without CR, LF or NUL (spec Q-4, S-46).
///
/// Spaces belong to the name (spec Q-2). What the name means is the server's business.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Pathname(String);

impl Pathname {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for Pathname {
    type Error = PathnameError;

    fn try_from(name: &str) -> Result<Self, PathnameError> {
        if name.is_empty() {
            return Err(PathnameError::Empty);
        }
        check(name)?;
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for Pathname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a string cannot be an argument.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PathnameError {
    /// There is nothing in it.
    #[error("the name is empty")]
    Empty,
    /// It would break the command line, or hide a second command in it (spec S-61).
    #[error("the name holds a carriage return, a line feed or a NUL")]
    ForbiddenCharacter,
}

/// Free text as an argument (a user name, an account, HELP's topic): without CR, LF or NUL.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Text(String);

impl Text {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for Text {
    type Error = PathnameError;

    fn try_from(text: &str) -> Result<Self, PathnameError> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// PASS's argument. It is never shown: `Debug` redacts it in every profile (spec S-70).
#[derive(Clone, Default, Eq, Hash, PartialEq)]
pub struct Password(String);

impl Password {
    /// The password in clear, for the one who checks or sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for Password {
    type Error = PathnameError;

    fn try_from(password: &str) -> Result<Self, PathnameError> {
        check(password)?;
        Ok(Self(password.to_owned()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

fn check(argument: &str) -> Result<(), PathnameError> {
    if argument.contains(['\r', '\n', '\0']) {
        return Err(PathnameError::ForbiddenCharacter);
    }
    Ok(())
}
