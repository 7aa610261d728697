//! Names from servers are data: what may become a part of a path, and how it is joined. Spec S-24.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use thirdhost_wire::{Pathname, PathnameError};

use super::Location;

/// Why a name in a listing is not used.
///
/// SECURITY: every name from a listing goes through here before it is joined to anything; a
/// server must not make us write, read or remove outside the directory it was asked about.
pub(super) fn refused(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("it is empty"),
        "." | ".." => Some("it names another directory"),
        _ if name.contains('/') => Some("it holds a slash"),
        _ if name.chars().any(char::is_control) => Some("it holds a control character"),
        _ if cfg!(windows) && name.contains(['\\', ':']) => Some("it holds a backslash or a colon"),
        _ => None,
    }
}

/// What a file is called at this host until it is whole: `.name.thirdhost-partial`, with a number
/// instead of a name that would become longer than file systems allow.
pub(super) fn partial(name: &str) -> String {
    hidden(name, PARTIAL)
}

/// The same at a server, with a mark that each attempt has for itself.
///
/// A server may still carry out what a client told it that has gone since, and cut a file that it
/// opens late: nobody else may work on the file of that name.
pub(super) fn marked_partial(name: &str, mark: u32) -> String {
    hidden(name, &format!(".{mark:08x}{PARTIAL}"))
}

/// What all [`marked_partial`] of a name begin with.
pub(super) fn stem(name: &str) -> String {
    let mut stem = marked_partial(name, 0);
    stem.truncate(stem.len() - MARK_BYTES - PARTIAL.len());
    stem
}

/// The [`stem`] of a [`marked_partial`].
pub(super) fn stem_of(partial: &str) -> Option<&str> {
    let (stem, mark) = partial.strip_suffix(PARTIAL)?.rsplit_once('.')?;
    let is_digit = |octet: u8| octet.is_ascii_digit() || (b'a'..=b'f').contains(&octet);
    let is_mark = mark.len() == MARK_BYTES - 1 && mark.bytes().all(is_digit);
    (is_mark && stem.len() > 1 && stem.starts_with('.')).then_some(stem)
}

/// What the old file is called while the new one takes its name; with a mark, as who was killed
/// between the two has left it there.
pub(super) fn replaced(name: &str, mark: u32) -> String {
    hidden(name, &format!(".{mark:08x}{REPLACED}"))
}

/// Whether a name is one that [`partial`] or [`replaced`] gives.
pub(super) fn is_partial(name: &str) -> bool {
    name.starts_with('.') && [PARTIAL, REPLACED].iter().any(|end| name.ends_with(end))
}

fn hidden(name: &str, end: &str) -> String {
    let hidden = format!(".{name}{end}");
    if hidden.len() <= NAME_BYTES_MAX {
        return hidden;
    }
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    format!(".{:016x}{end}", hasher.finish())
}

impl Location {
    /// The same with a relative path below it, whose parts are not [`refused`].
    pub(super) fn below(&self, relative: &str) -> Result<Self, PathnameError> {
        if relative.is_empty() {
            return Ok(self.clone());
        }
        Ok(match self {
            Self::Remote(None) => Self::Remote(Some(Pathname::try_from(relative)?)),
            Self::Remote(Some(directory)) => {
                let directory = directory.as_str();
                let slash = if directory.ends_with('/') { "" } else { "/" };
                let path = format!("{directory}{slash}{relative}");
                Self::Remote(Some(Pathname::try_from(path.as_str())?))
            }
            Self::Local(directory) => Self::Local(local(directory, relative)),
        })
    }

    /// The last part of the path; empty for a login directory.
    #[must_use]
    pub fn own_name(&self) -> String {
        match self {
            Self::Remote(path) => path
                .as_ref()
                .and_then(|path| path.as_str().rsplit('/').find(|part| !part.is_empty()))
                .unwrap_or_default()
                .to_owned(),
            Self::Local(path) => path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(path) => f.write_str(path.as_ref().map_or("", Pathname::as_str)),
            Self::Local(path) => path.display().fmt(f),
        }
    }
}

fn local(directory: &Path, relative: &str) -> PathBuf {
    let mut path = directory.to_owned();
    path.extend(relative.split('/'));
    path
}

const PARTIAL: &str = ".thirdhost-partial";

/// A dot and eight digits.
const MARK_BYTES: usize = 9;

const REPLACED: &str = ".thirdhost-replaced";

/// What the file systems in use take for one name: 255, but for encrypted ones, as of a NAS.
const NAME_BYTES_MAX: usize = 143;

#[cfg(test)]
mod tests {
    use super::*;

    //= security#S-24
    //= type=test
    #[test]
    fn a_name_that_would_leave_its_directory_is_refused() {
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "/etc",
            "../x",
            "a\nb",
            "a\0",
            "\u{1b}[2J",
        ] {
            assert!(refused(name).is_some(), "{name:?}");
        }
        assert_eq!(refused("C:\\x").is_some(), cfg!(windows));
        for name in ["a", "...", " a b ", "näme", "-rf", "a\"b", "~"] {
            assert_eq!(refused(name), None, "{name:?}");
        }
    }

    fn check(directory: &str, relative: &str, expected: &str) {
        let directory = Pathname::try_from(directory).ok();
        let found = Location::Remote(directory).below(relative).unwrap();
        let expected = Pathname::try_from(expected).unwrap();
        assert_eq!(found, Location::Remote(Some(expected)));
    }

    #[test]
    fn what_is_not_whole_is_known_by_its_name() {
        assert_eq!(partial("a b"), ".a b.thirdhost-partial");
        for length in [1, 123, 124, 255] {
            let name = partial(&"ä".repeat(length / 2));
            assert!(is_partial(&name) && name.len() <= 143, "{name}");
        }
        assert_eq!(marked_partial("a b", 10), ".a b.0000000a.thirdhost-partial");
        let long = |last| partial(&format!("{}{last}", "a".repeat(250)));
        assert_ne!(long("a"), long("b"));
        assert!(!is_partial("a.thirdhost-partial") && !is_partial(".a"));
    }

    #[test]
    fn what_is_left_of_a_file_is_known_by_its_stem() {
        for length in [1, 114, 115, 116, 255] {
            let name = &"a.".repeat(128)[..length];
            let partial = marked_partial(name, 0x1234_abcd);
            assert!(is_partial(&partial) && partial.len() <= 143, "{partial}");
            assert_eq!(stem_of(&partial), Some(stem(name).as_str()));
        }
        for other in [
            ".a.thirdhost-partial",
            ".a.1234567.thirdhost-partial",
            ".a.1234567g.thirdhost-partial",
            ".a.1234ABCD.thirdhost-partial",
            "a.12345678.thirdhost-partial",
            "..12345678.thirdhost-partial",
            ".12345678.thirdhost-partial",
            ".a.12345678.thirdhost-replaced",
        ] {
            assert_eq!(stem_of(other), None, "{other}");
        }
        // Names that look like marks are names.
        let odd = "a.12345678.thirdhost-partial";
        assert_ne!(stem(odd), stem("a"));
        assert_eq!(stem_of(&marked_partial(odd, 1)), Some(stem(odd).as_str()));
    }

    #[test]
    fn a_path_is_joined_with_one_slash() {
        check("d", "a/b", "d/a/b");
        check("", "a", "a");
        check("/", "a", "/a");
        check("/d/", "a", "/d/a");
        let local = Location::Local("d".into()).below("a/b").unwrap();
        assert_eq!(local, Location::Local(Path::new("d").join("a").join("b")));
    }
}
