//! The users: `[[user]]` tables in the configuration or in a file of their own.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use thirdhost_proto::server::Permission;
use thirdhost_wire::Password;
use toml::Spanned;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::bounds::{Octets, RateTable, SessionCount, Written};
use super::file::ThirdParty;
use super::paths::{PathTable, permissions};
use super::values::{Fingerprint, Home, Word, Worded};
use super::{ConfigError, Require};
use crate::accounts::{Account, Admission, LoginBy, PasswordHash, Roll, User, is_reserved};
use crate::limits::USER_NAME_BYTES_MAX;

/// Gives the user `name` in the users file at `path` a password, and keeps the rest of the file
/// as it is. A file that is missing is made, and so is a user. The file ends up readable by its
/// owner alone, and by its group if that could and not everybody. It is replaced whole or not at
/// all.
///
/// Takes tens of milliseconds: the hash is meant to be slow.
///
/// # Errors
/// When the name is none, the file is no users file, or the system refuses.
pub fn set_user(path: &Path, name: &str, password: &Password) -> Result<Change, SetUserError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(SetUserError::Unreadable(error)),
    };
    enlist_file(&mut Roll::default(), path, &text)?;
    let name = Name::from_word(name).ok_or(SetUserError::Name)?;
    let hash = PasswordHash::of(password).map_err(|_| SetUserError::Hash)?;
    let mut document: DocumentMut = text.parse().map_err(|_| SetUserError::Shape)?;
    let change = put(&mut document, &name.0, &hash)?;
    replace(path, &document.to_string()).map_err(SetUserError::Io)?;
    Ok(change)
}

/// Takes the user `name` out of the users file at `path`, and keeps the rest as it is. The file
/// is replaced whole or not at all. `false`: there is no such user.
///
/// # Errors
/// When the file is no users file, or the system refuses.
pub fn remove_user(path: &Path, name: &str) -> Result<bool, SetUserError> {
    let text = std::fs::read_to_string(path).map_err(SetUserError::Unreadable)?;
    enlist_file(&mut Roll::default(), path, &text)?;
    let mut document: DocumentMut = text.parse().map_err(|_| SetUserError::Shape)?;
    let Some(users) = document.get_mut("user") else {
        return Ok(false);
    };
    let users = users.as_array_of_tables_mut().ok_or(SetUserError::Shape)?;
    let before = users.len();
    users.retain(|user| user.get("name").and_then(Item::as_str) != Some(name));
    if users.len() == before {
        return Ok(false);
    }
    replace(path, &document.to_string()).map_err(SetUserError::Io)?;
    Ok(true)
}

/// The users in the users file at `path`, in its order.
///
/// # Errors
/// When the file is no users file, or cannot be read.
pub fn read_users(path: &Path) -> Result<Vec<User>, ConfigError> {
    let mut roll = Roll::default();
    enlist_file(&mut roll, path, &super::read(path)?)?;
    Ok(roll.users)
}

/// What [`set_user`] did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// The user is new: read only, with a home of the same name.
    Added,
    /// The user was there and has the new password.
    Changed,
}

/// Why [`set_user`] changed nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetUserError {
    /// No user can have that name.
    #[error("that is no user name; expected {}", Name::EXPECTED)]
    Name,
    /// The file is not a users file as it stands.
    #[error(transparent)]
    File(#[from] ConfigError),
    /// The users are written in a form that cannot be edited in place.
    #[error("the users are not written as [[user]] tables")]
    Shape,
    /// The password cannot be hashed.
    #[error("the password cannot be hashed")]
    Hash,
    /// The system does not let the file be read.
    #[error("cannot be read")]
    Unreadable(#[source] io::Error),
    /// The system does not let another file take its place.
    #[error("cannot be written")]
    Io(#[source] io::Error),
}

/// A `[[user]]` table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserTable {
    name: Spanned<Worded<Name>>,
    #[serde(default, deserialize_with = "hash")]
    password: Option<PasswordHash>,
    home: Option<Worded<Home>>,
    permissions: Option<Vec<Worded<Permission>>>,
    #[serde(default)]
    path: Vec<PathTable>,
    third_party: Option<ThirdParty>,
    #[serde(default)]
    operator: bool,
    sessions: Option<SessionCount>,
    #[serde(default)]
    rate: RateTable,
    #[serde(default)]
    rate_per_transfer: RateTable,
    quota: Option<Worded<Octets>>,
    max_file_size: Option<Worded<Octets>>,
    #[serde(default)]
    certificates: Vec<Worded<Fingerprint>>,
    login: Option<Spanned<Worded<LoginBy>>>,
    require: Option<Worded<Require>>,
}

/// Adds the users of a users file to the roll.
pub(super) fn enlist_file(roll: &mut Roll, file: &Path, text: &str) -> Result<(), ConfigError> {
    let written: UsersFile =
        toml::from_str(text).map_err(|error| ConfigError::syntax(file, text, &error))?;
    enlist(roll, written.user, file, text)
}

/// Adds users to the roll, each name once.
pub(super) fn enlist(
    roll: &mut Roll,
    tables: Vec<UserTable>,
    file: &Path,
    text: &str,
) -> Result<(), ConfigError> {
    for table in tables {
        let span = table.name.span();
        let user = table.user(file, text)?;
        if roll
            .users
            .iter()
            .any(|known| known.account.name == user.account.name)
        {
            let problem = "there is a user of this name already; expected each name once";
            return Err(ConfigError::at(file, text, span, problem));
        }
        roll.users.push(user);
    }
    Ok(())
}

impl UserTable {
    fn user(self, file: &Path, text: &str) -> Result<User, ConfigError> {
        let admission = admission(self.certificates, self.login, self.require)
            .map_err(|(span, problem)| ConfigError::at(file, text, span, problem))?;
        let Worded(Name(name)) = self.name.into_inner();
        let account = Account {
            home: self
                .home
                .map_or_else(|| name.clone(), |Worded(Home(home))| home),
            name,
            permissions: permissions(self.permissions, self.path, file, text)?,
            third_party: self.third_party.map(ThirdParty::grant),
            operator: self.operator,
            bounds: Written {
                sessions: self.sessions,
                rate: self.rate,
                rate_per_transfer: self.rate_per_transfer,
                quota: self.quota,
                max_file_size: self.max_file_size,
            }
            .bounds(),
            admission,
            anonymous: false,
        };
        Ok(User {
            account,
            password: self.password,
        })
    }
}

fn admission(
    certificates: Vec<Worded<Fingerprint>>,
    login: Option<Spanned<Worded<LoginBy>>>,
    require: Option<Worded<Require>>,
) -> Result<Admission, (Range<usize>, &'static str)> {
    let mut admission = Admission::default();
    let octets = |Worded(Fingerprint(octets))| octets;
    admission.certificates = certificates.into_iter().map(octets).collect();
    admission.require = require.map(|Worded(require)| require);
    if let Some(login) = login {
        let span = login.span();
        Worded(admission.login) = login.into_inner();
        if admission.login == LoginBy::Both && admission.certificates.is_empty() {
            return Err((
                span,
                "\"both\" without certificates; expected some beside it",
            ));
        }
    }
    Ok(admission)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsersFile {
    #[serde(default)]
    user: Vec<UserTable>,
}

/// A user's name: one line, and a directory can have it, since it is the default home.
struct Name(String);

impl Word for Name {
    const EXPECTED: &'static str = "a name of 1 to 64 bytes without \"/\" or control \
        characters, other than \".\", \"..\", \"anonymous\" and \"ftp\"";

    fn from_word(word: &str) -> Option<Self> {
        let refused = word.is_empty()
            || word.len() > USER_NAME_BYTES_MAX
            || word.contains(|c: char| c == '/' || c.is_control())
            || matches!(word, "." | "..")
            || is_reserved(word);
        (!refused).then(|| Self(word.to_owned()))
    }
}

/// Reads a password hash. Whatever else stands there is not repeated: it may be a password.
fn hash<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PasswordHash>, D::Error> {
    let word = String::deserialize(deserializer)
        .map_err(|_| D::Error::custom("no string; expected an argon2id hash in quotes"))?;
    PasswordHash::try_from(word.as_str())
        .map(Some)
        .map_err(D::Error::custom)
}

fn put(
    document: &mut DocumentMut,
    name: &str,
    hash: &PasswordHash,
) -> Result<Change, SetUserError> {
    let users = document
        .entry("user")
        .or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let users = users.as_array_of_tables_mut().ok_or(SetUserError::Shape)?;
    let named = |user: &&mut Table| user.get("name").and_then(Item::as_str) == Some(name);
    if let Some(user) = users.iter_mut().find(named) {
        user.insert("password", value(hash.as_str()));
        return Ok(Change::Changed);
    }
    let mut user = Table::new();
    user.insert("name", value(name));
    user.insert("password", value(hash.as_str()));
    users.push(user);
    Ok(Change::Added)
}

/// Writes beside the file and renames: whoever reads it sees the old users or the new ones.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // A link to the users file stays a link.
    let path: PathBuf = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    // A temporary file is readable by its owner alone from the start.
    let temporary = tempfile::NamedTempFile::new_in(directory);
    // Without the name of the temporary, which is none that the operator knows.
    let mut temporary = temporary.map_err(|error| io::Error::from(error.kind()))?;
    temporary.write_all(text.as_bytes())?;
    keep_owner(temporary.as_file(), &path)?;
    temporary.as_file().sync_all()?;
    temporary.persist(&path)?;
    Ok(())
}

/// The server reads it as another user than root, who as a rule writes it, or by its group.
#[cfg(unix)]
fn keep_owner(file: &File, of: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    let old = match std::fs::metadata(of) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        old => old?,
    };
    let new = file.metadata()?;
    // Who lets everybody read it means no group.
    let group = if old.mode() & 0o007 == 0 { 0o040 } else { 0 };
    let mode = 0o600 | (old.mode() & group);
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        match fchown(file, Some(old.uid()), Some(old.gid())) {
            // A group that may not read it is none that has to be kept.
            Err(_) if old.uid() == new.uid() && mode == 0o600 => {}
            changed => changed.map_err(|error| {
                let problem = "its owner and group cannot be kept; do this as root";
                io::Error::new(error.kind(), format!("{problem} ({error})"))
            })?,
        }
    }
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

/// A new file belongs to whom the directory it is made in says.
#[cfg(not(unix))]
fn keep_owner(_file: &File, _of: &Path) -> io::Result<()> {
    Ok(())
}
