//! Facts about files, as MLST and MLSD tell them. RFC 3659 section 7.

use std::fmt;

use crate::address::digits;
use crate::{FactSet, Pathname, PathnameError, TimeVal};

/// Facts about one file: names and values, in the order of the wire.
///
/// Values hold no `;`, no space and no control character, names no `=` either.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Facts {
    facts: Vec<(String, String)>,
}

/// One line of a listing: facts and a pathname. `Display` writes it, without CRLF.
///
/// The name is what the server said, no more: it may hold `/` or be `..` (spec S-24).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct FactsLine {
    /// The facts.
    pub facts: Facts,
    /// The pathname.
    pub name: Pathname,
}

/// What the type fact says.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum FileKind {
    /// `file`.
    File,
    /// `dir`: a directory in the one listed.
    Directory,
    /// `cdir`: the directory listed.
    ListedDirectory,
    /// `pdir`: a parent of the directory listed.
    ParentDirectory,
    /// Anything else, as it was written, `OS.unix=slink:target` among it.
    Other(String),
}

/// Why text is no fact or no line of facts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FactsError {
    /// The line is longer than [`FACTS_LINE_BYTES_MAX`].
    #[error("the line of facts is too long")]
    TooLong,
    /// There are more facts than [`FACTS_MAX`].
    #[error("the line has too many facts")]
    TooMany,
    /// The line is not UTF-8.
    #[error("the line of facts is not UTF-8")]
    NotUtf8,
    /// No space parts the facts from the name.
    #[error("the line has no space between facts and name")]
    NoName,
    /// A fact has no `=`, no name, or a character that none may have.
    #[error("malformed fact")]
    Malformed,
    /// The name cannot be one.
    #[error("malformed name: {0}")]
    Name(#[from] PathnameError),
}

impl Facts {
    /// No facts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fact.
    ///
    /// # Errors
    ///
    /// When name or value have a character that would end the fact, or the name is empty.
    pub fn add(&mut self, name: &str, value: impl fmt::Display) -> Result<(), FactsError> {
        let value = value.to_string();
        let breaks = |c: char| c == ';' || c == ' ' || c.is_control();
        if name.is_empty() || name.contains('=') || name.contains(breaks) || value.contains(breaks)
        {
            return Err(FactsError::Malformed);
        }
        if self.facts.len() >= FACTS_MAX {
            return Err(FactsError::TooMany);
        }
        self.facts.push((name.to_owned(), value));
        Ok(())
    }

    /// Drops every fact that is not in `selection`.
    pub fn select(&mut self, selection: FactSet) {
        self.facts.retain(|(name, _)| selection.has_name(name));
    }

    /// The value of the first fact of that name, in any case.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Name and value of every fact.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.facts
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The type fact.
    #[must_use]
    pub fn kind(&self) -> Option<FileKind> {
        let value = self.value("type")?;
        Some(match value.to_ascii_lowercase().as_str() {
            "file" => FileKind::File,
            "dir" => FileKind::Directory,
            "cdir" => FileKind::ListedDirectory,
            "pdir" => FileKind::ParentDirectory,
            _ => FileKind::Other(value.to_owned()),
        })
    }

    /// The size fact, in octets.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        digits(self.value("size")?)
    }

    /// The modify fact.
    #[must_use]
    pub fn modified(&self) -> Option<TimeVal> {
        self.value("modify")?.parse().ok()
    }

    /// The perm fact: letters of RFC 3659 section 7.5.5.
    #[must_use]
    pub fn permissions(&self) -> Option<&str> {
        self.value("perm")
    }

    /// The unique fact: the same for two names of one file.
    #[must_use]
    pub fn unique(&self) -> Option<&str> {
        self.value("unique")
    }

    /// The UNIX.mode fact, at most 7777 octal.
    #[must_use]
    pub fn unix_mode(&self) -> Option<u32> {
        let value = self.value("UNIX.mode")?;
        let octal = !value.is_empty() && value.bytes().all(|octet| matches!(octet, b'0'..=b'7'));
        octal
            .then(|| u32::from_str_radix(value, 8).ok())
            .flatten()
            .filter(|mode| *mode <= 0o7777)
    }

    /// The X.partial-modify fact: when the last of those octets came.
    #[must_use]
    pub fn partial_modified(&self) -> Option<TimeVal> {
        self.value("X.partial-modify")?.parse().ok()
    }

    /// The X.partial fact: the octets that an interrupted upload left (design D10).
    #[must_use]
    pub fn partial_bytes(&self) -> Option<u64> {
        digits(self.value("X.partial")?)
    }
}

impl FactsLine {
    /// Reads a line without its CRLF: facts, one space, name. A line that begins with the space
    /// has no facts.
    ///
    /// # Errors
    ///
    /// When the line does not follow the grammar, or exceeds a bound.
    pub fn parse(line: &[u8]) -> Result<Self, FactsError> {
        if line.len() > FACTS_LINE_BYTES_MAX {
            return Err(FactsError::TooLong);
        }
        let line = std::str::from_utf8(line).map_err(|_| FactsError::NotUtf8)?;
        let (facts, name) = line.split_once(' ').ok_or(FactsError::NoName)?;
        let name = Pathname::try_from(name)?;
        let mut found = Facts::new();
        // The last `;` is missing from some servers' lines.
        for fact in facts.strip_suffix(';').unwrap_or(facts).split(';') {
            match fact.split_once('=') {
                Some((fact, value)) => found.add(fact, value)?,
                None if facts.is_empty() => {}
                None => return Err(FactsError::Malformed),
            }
        }
        Ok(Self { facts: found, name })
    }
}

/// `name=value;` for each.
impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter()
            .try_for_each(|(name, value)| write!(f, "{name}={value};"))
    }
}

impl fmt::Display for FactsLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.facts, self.name)
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Directory => "dir",
            Self::ListedDirectory => "cdir",
            Self::ParentDirectory => "pdir",
            Self::Other(kind) => kind,
        })
    }
}

/// The longest line of facts that is read: a pathname of 4096 octets and room for its facts.
pub const FACTS_LINE_BYTES_MAX: usize = 8192;
/// The most facts of one line; servers are known to send some fifteen.
pub const FACTS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_read_and_written_back() {
        let text = "type=file;size=1234;modify=19980615100045;perm=adfrw;unique=801g4804045;\
                    UNIX.mode=0644;X.partial=77; a  b;c=d";
        let line = FactsLine::parse(text.as_bytes()).unwrap();
        assert_eq!(line.to_string(), text);
        assert_eq!(line.name.as_str(), "a  b;c=d");
        assert_eq!(line.facts.kind(), Some(FileKind::File));
        assert_eq!(line.facts.size(), Some(1234));
        assert_eq!(line.facts.modified().unwrap().to_string(), "19980615100045");
        assert_eq!(line.facts.permissions(), Some("adfrw"));
        assert_eq!(line.facts.unique(), Some("801g4804045"));
        assert_eq!(line.facts.unix_mode(), Some(0o644));
        assert_eq!(line.facts.partial_bytes(), Some(77));
    }

    #[test]
    fn lines_of_other_servers_are_understood() {
        let check = |text: &str, kind: Option<FileKind>, name: &str| {
            let line = FactsLine::parse(text.as_bytes()).unwrap();
            assert_eq!(
                (line.facts.kind(), line.name.as_str()),
                (kind, name),
                "{text}"
            );
        };
        check("Type=cdir;Perm=el; /", Some(FileKind::ListedDirectory), "/");
        check("TYPE=Dir;Size=; x", Some(FileKind::Directory), "x");
        check("type=pdir ..", Some(FileKind::ParentDirectory), "..");
        let link = FileKind::Other("OS.unix=slink:/a/b".to_owned());
        check("type=OS.unix=slink:/a/b; l", Some(link), "l");
        check(" name", None, "name");
        check("  name", None, " name");
        check("size=1;type=file;type=dir; n", Some(FileKind::File), "n");
    }

    #[test]
    fn hostile_lines_are_refused() {
        let check = |line: &[u8], error| assert_eq!(FactsLine::parse(line), Err(error));
        check(b"", FactsError::NoName);
        check(b"type=file;", FactsError::NoName);
        check(b"type=file; ", FactsError::Name(PathnameError::Empty));
        check(
            b"type=file; a\rb",
            FactsError::Name(PathnameError::ForbiddenCharacter),
        );
        check(
            b"type=file; a\0b",
            FactsError::Name(PathnameError::ForbiddenCharacter),
        );
        check(b"type; a", FactsError::Malformed);
        check(b"; a", FactsError::Malformed);
        check(b"=file; a", FactsError::Malformed);
        check(b"type=file;; a", FactsError::Malformed);
        check(b"type=\x1b[2J; a", FactsError::Malformed);
        check(b"type=file; \xff", FactsError::NotUtf8);
        check(
            format!("{} a", "a=b;".repeat(FACTS_MAX + 1)).as_bytes(),
            FactsError::TooMany,
        );
        check(&[b' '; FACTS_LINE_BYTES_MAX + 1], FactsError::TooLong);
        assert!(FactsLine::parse(format!("{} a", "a=b;".repeat(FACTS_MAX)).as_bytes()).is_ok());
        assert!(FactsLine::parse(&[b' '; FACTS_LINE_BYTES_MAX]).is_ok());
    }

    #[test]
    fn malformed_values_are_no_values() {
        let facts = |text: &str| {
            FactsLine::parse(format!("{text}; a").as_bytes())
                .unwrap()
                .facts
        };
        assert_eq!(facts("size=-1").size(), None);
        assert_eq!(facts("size=99999999999999999999").size(), None);
        assert_eq!(facts("modify=yesterday").modified(), None);
        assert_eq!(facts("UNIX.mode=+644").unix_mode(), None);
        assert_eq!(facts("UNIX.mode=17777").unix_mode(), None);
        assert_eq!(facts("UNIX.mode=0888").unix_mode(), None);
    }

    #[test]
    fn facts_that_would_break_the_line_are_refused() {
        let mut facts = Facts::new();
        for (name, value) in [
            ("", "a"),
            ("a=b", ""),
            ("a;", ""),
            ("a", "b c"),
            ("a", "\r\n"),
        ] {
            assert_eq!(facts.add(name, value), Err(FactsError::Malformed));
        }
        assert_eq!(facts, Facts::new());
        facts.add("size", 5_u64).unwrap();
        facts.add("type", FileKind::File).unwrap();
        assert_eq!(facts.to_string(), "size=5;type=file;");
    }

    proptest! {
        #[test]
        fn no_line_panics(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = FactsLine::parse(&line);
        }

        #[test]
        fn parse_undoes_display(text in "([a-c.]{1,3}=[a-z=.:0-9]{0,4};){0,5} [^\r\n\0]{1,9}") {
            let line = FactsLine::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(line.to_string(), text);
        }
    }
}
