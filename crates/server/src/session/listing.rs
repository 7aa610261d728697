//! What LIST, NLST and MLSD list: a directory, one file, or what a pattern matches.

use std::time::SystemTime;

use futures_util::future::BoxFuture;
use globset::{GlobBuilder, GlobMatcher};
use thirdhost_proto::server::{ListForm, ListTarget, Permissions, VirtualPath};

use crate::dtp::{Entries, ListingStyle};
use crate::limits::{PATTERN_MATCHES_MAX, PATTERN_STARS_MAX};
use crate::store::{Entry, EntryKind, Listing, Pages, Pen, Store, StoreError, Written};

/// Opens a listing of `target`, or, when nothing has that name, of `without_options`; and when
/// nothing has that name either, of what it matches as a pattern (spec ).
pub(super) async fn open(
    store: &dyn Store,
    target: &ListTarget,
    without_options: Option<&ListTarget>,
    form: ListForm,
    permissions: Permissions,
    now: SystemTime,
) -> Result<Box<dyn Pages>, StoreError> {
    let pen = |given, directory: &VirtualPath| -> Box<dyn Pen> {
        let style = match form {
            ListForm::Long => ListingStyle::Long { now },
            ListForm::Names => ListingStyle::Names { given },
            ListForm::Facts(facts) => ListingStyle::Facts {
                facts,
                permissions,
                directory: directory.clone(),
            },
        };
        Box::new(style.lines())
    };
    let (entry, target) = match find(store, target, without_options).await {
        Err(StoreError::NotFound) if !matches!(form, ListForm::Facts(_)) => {
            let target = without_options.unwrap_or(target);
            let listing = open_pattern(store, target).await?;
            let pen = pen(directory_given(target), &target.path);
            return Ok(Box::new(Written::new(listing, pen)));
        }
        found => found?,
    };
    let is_directory = entry.kind == EntryKind::Directory;
    if matches!(form, ListForm::Facts(_)) && !is_directory {
        return Err(StoreError::NotDirectory);
    }
    let given = target.given.clone().filter(|_| is_directory);
    open_entry(store, entry, target, pen(given, &target.path)).await
}

/// The name as given, or, when nothing has it, without its options.
async fn find<'a>(
    store: &dyn Store,
    target: &'a ListTarget,
    without_options: Option<&'a ListTarget>,
) -> Result<(Entry, &'a ListTarget), StoreError> {
    match (store.stat(&target.path).await, without_options) {
        (Err(StoreError::NotFound), Some(other)) => Ok((store.stat(&other.path).await?, other)),
        (entry, _) => Ok((entry?, target)),
    }
}

async fn open_entry(
    store: &dyn Store,
    mut entry: Entry,
    target: &ListTarget,
    pen: Box<dyn Pen>,
) -> Result<Box<dyn Pages>, StoreError> {
    if entry.kind == EntryKind::Directory {
        return store.list_lines(&target.path, pen).await;
    }
    // A file is listed under the name it was asked for with (spec Q-21).
    if let Some(given) = &target.given {
        entry.name.clone_from(given);
    }
    let listing = Box::new(Entries::new(vec![entry]));
    Ok(Box::new(Written::new(listing, pen)))
}

/// What the last component matches in its directory; in other components nothing is a pattern.
async fn open_pattern(
    store: &dyn Store,
    target: &ListTarget,
) -> Result<Box<dyn Listing>, StoreError> {
    let pattern = target.path.file_name().unwrap_or_default();
    if !pattern.contains(['*', '?', '[']) {
        return Err(StoreError::NotFound);
    }
    let matcher = matcher(pattern)?;
    let listing = store.list(&target.path.parent()).await?;
    Ok(Box::new(Matching {
        listing,
        matcher,
        with_dot: pattern.starts_with('.'),
        left: PATTERN_MATCHES_MAX,
    }))
}

/// Linear in the name's length whatever the pattern (spec S-54).
fn matcher(pattern: &str) -> Result<GlobMatcher, StoreError> {
    if pattern.matches('*').count() > PATTERN_STARS_MAX {
        return Err(StoreError::PatternTooWide);
    }
    let glob = GlobBuilder::new(&without_braces(pattern))
        .literal_separator(true)
        .backslash_escape(false)
        .build();
    // What is no pattern was a name, and nothing has it.
    Ok(glob.map_err(|_| StoreError::NotFound)?.compile_matcher())
}

/// The pattern with braces that mean themselves: they are never expanded (spec S-54).
fn without_braces(pattern: &str) -> String {
    let mut plain = String::new();
    // How many characters of a class have come, its bracket among them.
    let mut class = 0_usize;
    for letter in pattern.chars() {
        class = match (class, letter) {
            (0, '[') => 1,
            (0, _) => 0,
            (1, '!' | '^') => 1,
            (2.., ']') => 0,
            (within, _) => within + 1,
        };
        match letter {
            '{' if class == 0 => plain.push_str("[{]"),
            '}' if class == 0 => plain.push_str("[}]"),
            letter => plain.push(letter),
        }
    }
    plain
}

/// The directory in front of the pattern, as it was given.
fn directory_given(target: &ListTarget) -> Option<String> {
    let (directory, _) = target.given.as_deref()?.rsplit_once('/')?;
    Some(format!("{directory}/"))
}

/// Those entries of a directory whose names match.
struct Matching {
    listing: Box<dyn Listing>,
    matcher: GlobMatcher,
    /// As in a shell, a name that begins with a dot is matched by a pattern that does.
    with_dot: bool,
    left: usize,
}

impl Listing for Matching {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        Box::pin(async move {
            loop {
                let mut batch = self.listing.next_batch().await?;
                let at_end = batch.is_empty();
                batch.retain(|entry| {
                    (self.with_dot || !entry.name.starts_with('.'))
                        && self.matcher.is_match(&entry.name)
                });
                let left = self.left.checked_sub(batch.len());
                self.left = left.ok_or(StoreError::PatternTooWide)?;
                if at_end || !batch.is_empty() {
                    return Ok(batch);
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, matched: &[&str], others: &[&str]) {
        let matcher = matcher(pattern).unwrap();
        for name in matched {
            assert!(matcher.is_match(name), "{pattern} {name}");
        }
        for name in others {
            assert!(!matcher.is_match(name), "{pattern} {name}");
        }
    }

    #[test]
    fn stars_marks_and_classes_match_and_nothing_else_does() {
        check("*.txt", &["a.txt", ".txt"], &["a.txt.gz", "a"]);
        check("?.[ch]", &["a.c", "b.h"], &["ab.c", "a.o"]);
        check("[!a-c]*", &["d", "xyz"], &["a", "bcd", ""]);
        check("**", &["a", "a.b"], &[]);
        check("{a,b}*", &["{a,b}c"], &["a", "bc"]);
        check("[{]*", &["{x"], &["x"]);
        check("[]}]*", &["]", "}a"], &["a"]);
        check("a\\*", &["a\\b"], &["a*"]);
    }

    //= security#S-54
    //= type=test
    #[test]
    fn wide_patterns_are_refused_and_broken_ones_name_nothing() {
        assert!(matcher("*a*a*").is_ok());
        for pattern in ["****", &"*a".repeat(40), "*a*b*c*"] {
            let found = matcher(pattern);
            assert!(
                matches!(found, Err(StoreError::PatternTooWide)),
                "{pattern}"
            );
        }
        assert!(matches!(matcher("[a"), Err(StoreError::NotFound)));
    }
}
