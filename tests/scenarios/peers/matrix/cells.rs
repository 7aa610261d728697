//! The table: which cells there are.

use std::fmt::{self, Display, Formatter};

/// One cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) verb: Verb,
    pub(super) column: Column,
}

/// How the program connects, and what the file is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) security: Security,
    pub(super) family: Family,
    pub(super) name: Name,
}

/// Every connection with the plainest name, and every name over the plainest connection. Each is
/// tried with all verbs.
pub(super) fn columns() -> Vec<Column> {
    let connected = CONNECTIONS.iter().map(|(security, family)| Column {
        security: *security,
        family: *family,
        name: Name::Plain,
    });
    let named = NAMES.iter().map(|name| Column {
        security: Security::Clear,
        family: Family::V4,
        name: *name,
    });
    connected.chain(named).collect()
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verb {
    Upload,
    Download,
    ResumeUpload,
    ResumeDownload,
    /// The directory in which the name is.
    List,
    /// The directory that has the name.
    ListInside,
    /// Into another directory.
    Rename,
    Delete,
    MakeDirectory,
    RemoveDirectory,
}

/// How the control connection is protected; the data connection likewise.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Security {
    Clear,
    /// AUTH TLS.
    Explicit,
    /// TLS at once, at a port of its own.
    Implicit,
}

/// The kind of address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Family {
    V4,
    V6,
}

/// What is odd about the name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Name {
    Plain,
    Spaces,
    Quotes,
    Letters,
    Dash,
    Backslash,
    Percent,
    Hash,
    Longest,
}

impl Name {
    /// The name itself.
    pub(super) fn text(self) -> String {
        match self {
            Self::Plain => "plain.txt".to_owned(),
            Self::Spaces => "two  words and more".to_owned(),
            Self::Quotes => "it's \"quoted\"".to_owned(),
            Self::Letters => "grüße ✓ 日本.txt".to_owned(),
            Self::Dash => "-rf".to_owned(),
            Self::Backslash => "back\\slash \\n".to_owned(),
            Self::Percent => "100% %20 %s".to_owned(),
            Self::Hash => "#1;x&y".to_owned(),
            Self::Longest => "0123456789abcdef".repeat(16).split_off(1),
        }
    }
}

impl Display for Column {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            security,
            family,
            name,
        } = self;
        write!(f, "{security:?} {family:?} {name:?}")
    }
}

/// All there are.
pub(super) const VERBS: [Verb; 10] = [
    Verb::Upload,
    Verb::Download,
    Verb::ResumeUpload,
    Verb::ResumeDownload,
    Verb::List,
    Verb::ListInside,
    Verb::Rename,
    Verb::Delete,
    Verb::MakeDirectory,
    Verb::RemoveDirectory,
];

/// Clear IPv4 comes with the names.
const CONNECTIONS: [(Security, Family); 5] = [
    (Security::Clear, Family::V6),
    (Security::Explicit, Family::V4),
    (Security::Explicit, Family::V6),
    (Security::Implicit, Family::V4),
    (Security::Implicit, Family::V6),
];

const NAMES: [Name; 9] = [
    Name::Plain,
    Name::Spaces,
    Name::Quotes,
    Name::Letters,
    Name::Dash,
    Name::Backslash,
    Name::Percent,
    Name::Hash,
    Name::Longest,
];

#[test]
fn the_longest_name_is_as_long_as_a_name_can_be() {
    assert_eq!(Name::Longest.text().len(), 255);
}
