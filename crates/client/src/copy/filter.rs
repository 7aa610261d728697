//! Which files of a tree are copied.

use std::collections::HashSet;
use std::time::SystemTime;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use super::walk::Entry;

/// Which files of a tree are copied. A pattern without `/` is matched against the last part of a
/// path, one with `/` against the path below the root; `*` stops at `/`, `**` does not.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Filter {
    include: Option<Patterns>,
    exclude: Option<Patterns>,
    is_shallow: bool,
    /// Paths below the root, and no others.
    pub only: Option<HashSet<String>>,
    /// No shorter file.
    pub min_size: Option<u64>,
    /// No longer file.
    pub max_size: Option<u64>,
    /// No file that was last changed before.
    pub newer: Option<SystemTime>,
}

/// A pattern cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the pattern {pattern:?} is malformed: {source}")]
pub struct FilterError {
    pattern: String,
    source: globset::Error,
}

#[derive(Clone, Debug)]
struct Patterns {
    names: GlobSet,
    paths: GlobSet,
}

impl Filter {
    /// Only files that match one of `include`, if there are any, and none of `exclude`; an
    /// excluded directory is left out with all below.
    ///
    /// # Errors
    /// [`FilterError`].
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, FilterError> {
        Ok(Self {
            include: Patterns::new(include)?,
            exclude: Patterns::new(exclude)?,
            ..Self::default()
        })
    }

    /// The same for one directory alone.
    pub(super) fn shallow(self) -> Self {
        Self {
            is_shallow: true,
            ..self
        }
    }

    /// Whether what lies below a directory is listed too.
    pub(super) fn descends(&self) -> bool {
        !self.is_shallow
    }

    /// Whether the directory with this path below the root is taken, with what lies below.
    #[must_use]
    pub fn enters(&self, path: &str) -> bool {
        !matches(&self.exclude, path)
    }

    /// Whether a file is copied. What a server does not tell is no reason against it.
    pub(super) fn takes(&self, entry: &Entry) -> bool {
        let path = entry.path.as_str();
        let is_old = || {
            let modified = entry.modified.map(|time| time.unix_seconds());
            let limit = self.newer.and_then(unix_seconds);
            modified
                .zip(limit)
                .is_some_and(|(modified, limit)| modified < limit)
        };
        !matches(&self.exclude, path)
            && (self.include.is_none() || matches(&self.include, path))
            && self.only.as_ref().is_none_or(|only| only.contains(path))
            && entry
                .size
                .zip(self.min_size)
                .is_none_or(|(size, least)| size >= least)
            && entry
                .size
                .zip(self.max_size)
                .is_none_or(|(size, most)| size <= most)
            && !is_old()
    }
}

impl Patterns {
    fn new(patterns: &[String]) -> Result<Option<Self>, FilterError> {
        let (mut names, mut paths) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for pattern in patterns {
            match pattern.trim_start_matches('/') {
                path if pattern.contains('/') => paths.add(glob(path)?),
                name => names.add(glob(name)?),
            };
        }
        let built = |set: &GlobSetBuilder| {
            set.build().map_err(|source| FilterError {
                pattern: patterns.join(", "),
                source,
            })
        };
        let (names, paths) = (built(&names)?, built(&paths)?);
        Ok((!patterns.is_empty()).then_some(Self { names, paths }))
    }
}

/// A shell's pattern: `*`, `?`, `[a-z]`, `{a,b}`; only `**` crosses `/`.
pub(super) fn glob(pattern: &str) -> Result<Glob, FilterError> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map_err(|source| FilterError {
            pattern: pattern.to_owned(),
            source,
        })
}

fn matches(patterns: &Option<Patterns>, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    patterns
        .as_ref()
        .is_some_and(|patterns| patterns.names.is_match(name) || patterns.paths.is_match(path))
}

fn unix_seconds(time: SystemTime) -> Option<i64> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::walk::Kind;

    fn check(include: &[&str], exclude: &[&str], path: &str, expected: bool) {
        let owned = |patterns: &[&str]| patterns.iter().map(|&p| p.to_owned()).collect::<Vec<_>>();
        let filter = Filter::new(&owned(include), &owned(exclude)).unwrap();
        let entry = Entry {
            path: path.to_owned(),
            kind: Kind::File,
            size: Some(10),
            modified: None,
        };
        assert_eq!(
            filter.takes(&entry),
            expected,
            "{include:?} {exclude:?} {path}"
        );
    }

    #[test]
    fn patterns_match_names_or_whole_paths() {
        check(&[], &[], "a/b", true);
        check(&["*.txt"], &[], "a/b.txt", true);
        check(&["*.txt"], &[], "a/b.bin", false);
        check(&[], &["*.txt"], "a/b.txt", false);
        check(&["*.txt"], &["b*"], "a/b.txt", false);
        check(&["a/*.txt"], &[], "a/b.txt", true);
        check(&["a/*.txt"], &[], "a/c/b.txt", false);
        check(&["a/**"], &[], "a/c/b.txt", true);
        check(&["/b"], &[], "b", true);
        check(&["/b"], &[], "a/b", false);
    }

    #[test]
    fn sizes_bound_on_both_sides() {
        let entry = Entry {
            path: "a".to_owned(),
            kind: Kind::File,
            size: Some(10),
            modified: None,
        };
        for (min, max, expected) in [(10, 10, true), (11, 20, false), (0, 9, false)] {
            let filter = Filter {
                min_size: Some(min),
                max_size: Some(max),
                ..Filter::default()
            };
            assert_eq!(filter.takes(&entry), expected, "{min} {max}");
        }
    }
}
