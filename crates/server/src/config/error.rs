//! What is wrong with a configuration, and where: file, line, column, key.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{}: cannot be read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line is wrong.
    #[error("{0}")]
    Wrong(Place),
}

impl ConfigError {
    /// What is at `span` of `text` is wrong.
    pub(super) fn at(file: &Path, text: &str, span: Range<usize>, problem: &str) -> Self {
        let key = key_of(text, span.start);
        Self::place(file, text, span.start, key, problem.to_owned())
    }

    /// The text is no TOML, or not of the shape we expect.
    pub(super) fn syntax(file: &Path, text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |span| span.start);
        let message = error.message().trim_end().replace('\n', "; ");
        if let Some(name) = message.strip_prefix("missing field ") {
            // The place is the table that lacks the key; the top one has no name.
            let table = key_of(text, at).filter(|_| text.get(at..).is_some_and(is_header));
            let key = table
                .into_iter()
                .chain([name.replace('`', "")])
                .collect::<Vec<_>>();
            let problem = "missing; expected this key in this table".to_owned();
            return Self::place(file, text, at, Some(key.join(".")), problem);
        }
        let problem = message
            .replace("unknown field", "unknown key")
            .replace(", expected", "; expected");
        Self::place(file, text, at, key_of(text, at), problem)
    }

    fn place(file: &Path, text: &str, at: usize, key: Option<String>, problem: String) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self::Wrong(Place {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before
                .get(line_start..)
                .map_or(0, |left| left.chars().count())
                + 1,
            key,
            problem,
        })
    }
}

/// A wrong line: `file:line:column: key: what is wrong; expected …`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The dotted key, where there is one.
    pub key: Option<String>,
    /// What is wrong, and what was expected.
    pub problem: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file.display(), self.line, self.column)?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.problem)
    }
}

fn key_of(text: &str, at: usize) -> Option<String> {
    let (table, _) = DeTable::parse_recoverable(text);
    key_at(table.get_ref(), at, "").or_else(|| left_of_equals(text, at))
}

fn is_header(text: &str) -> bool {
    text.starts_with('[')
}

/// The innermost key whose name or value covers `offset`.
fn key_at(table: &DeTable<'_>, offset: usize, within: &str) -> Option<String> {
    table.iter().find_map(|(name, value)| {
        let key = match within {
            "" => name.get_ref().to_string(),
            _ => format!("{within}.{}", name.get_ref()),
        };
        let covers = name.span().contains(&offset) || value.span().contains(&offset);
        key_in(value.get_ref(), offset, &key).or_else(|| covers.then_some(key))
    })
}

fn key_in(value: &DeValue<'_>, offset: usize, key: &str) -> Option<String> {
    match value {
        DeValue::Table(table) => key_at(table, offset, key),
        DeValue::Array(items) => items.iter().find_map(|item| {
            let covers = item.span().contains(&offset);
            key_in(item.get_ref(), offset, key).or_else(|| covers.then(|| key.to_owned()))
        }),
        _ => None,
    }
}

/// For a line so broken that TOML sees no key in it.
fn left_of_equals(text: &str, at: usize) -> Option<String> {
    let line_start = text
        .get(..at)
        .unwrap_or(text)
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let line = text.get(line_start..)?.lines().next()?;
    let (key, _) = line.split_once('=')?;
    Some(key.trim().to_owned()).filter(|key| !key.is_empty())
}
