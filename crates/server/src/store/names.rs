//! The names a store keeps for itself, and the names it makes up. Design D10.

use std::iter;

use thirdhost_proto::server::{COMPONENT_BYTES_MAX, VirtualPath};
use thirdhost_wire::Pathname;

use super::StoreError;

/// Whether `name` is one of the store's own: never listed, read or created by a user.
pub(super) fn is_hidden(name: &str) -> bool {
    // Compared without case, because some file systems open them without case.
    name.get(..HIDDEN.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(HIDDEN))
}

/// Nothing is found under a hidden name.
pub(super) fn check_readable(path: &VirtualPath) -> Result<(), StoreError> {
    if path.components().any(is_hidden) {
        Err(StoreError::NotFound)
    } else {
        Ok(())
    }
}

/// Nothing is created under a hidden name.
pub(super) fn check_creatable(path: &VirtualPath) -> Result<(), StoreError> {
    if path.components().any(is_hidden) {
        Err(StoreError::NameNotAllowed)
    } else {
        Ok(())
    }
}

/// The temporary of an upload to `name`, found again by a later upload to it.
pub(super) fn partial(name: &str) -> String {
    prefixed(PARTIAL, name)
}

/// The record of an append to `name` that is under way.
pub(super) fn append_record(name: &str) -> String {
    prefixed(APPEND, name)
}

/// The temporary of an append to `name`, which is not there yet.
pub(super) fn created(name: &str) -> String {
    prefixed(CREATED, name)
}

/// The names to try for STOU: `hint` itself, then `hint.1`, `hint.2` and so on.
pub(super) fn candidates(hint: &str) -> impl Iterator<Item = String> {
    let numbered = (1..UNIQUE_TRIES_MAX).map(move |number| {
        let suffix = format!(".{number}");
        format!(
            "{}{suffix}",
            shortened(hint, COMPONENT_BYTES_MAX - suffix.len())
        )
    });
    iter::once(hint.to_owned()).chain(numbered)
}

/// The path of `name` in `directory`.
pub(super) fn child(directory: &VirtualPath, name: &str) -> Result<VirtualPath, StoreError> {
    let name = Pathname::try_from(name).map_err(|_| StoreError::NameNotAllowed)?;
    directory
        .join(&name)
        .map_err(|_| StoreError::NameNotAllowed)
}

fn prefixed(prefix: &str, name: &str) -> String {
    let room = COMPONENT_BYTES_MAX - prefix.len();
    if name.len() <= room {
        return format!("{prefix}{name}");
    }
    let tail = format!("~{:016x}", fnv1a(name.as_bytes()));
    format!("{prefix}{}{tail}", shortened(name, room - tail.len()))
}

fn shortened(name: &str, bytes_max: usize) -> &str {
    let end = name.floor_char_boundary(bytes_max);
    name.split_at_checked(end).map_or(name, |(start, _)| start)
}

/// FNV-1a: the names have to be the same after an upgrade, which the standard hashes do not
/// promise. It guards nothing: who can make two names collide can overwrite either anyway.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// What all hidden names begin with.
const HIDDEN: &str = ".thirdhost-";

/// A temporary that a later upload to the same name goes on with.
pub(super) const PARTIAL: &str = ".thirdhost-partial.";

/// A temporary that no later upload goes on with.
pub(super) const UNNAMED: &str = ".thirdhost-unnamed.";

/// One of a file that comes in parts, with holes where others will come.
pub(super) const PARTS: &str = ".thirdhost-parts.";

/// The temporary of an append that makes the file.
pub(super) const CREATED: &str = ".thirdhost-created.";

/// The record of an append under way.
pub(super) const APPEND: &str = ".thirdhost-append.";

/// How many names STOU tries: beyond that looking costs more than the user's choosing a hint.
pub(super) const UNIQUE_TRIES_MAX: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_stores_own_is_hidden_and_fits() {
        for name in ["a", &"x".repeat(255), &"é".repeat(127), ""] {
            for made in [partial(name), created(name), append_record(name)] {
                assert!(is_hidden(&made), "{made}");
                assert!(made.len() <= COMPONENT_BYTES_MAX, "{made}");
            }
        }
        assert!(is_hidden(".ThirdHost-x"));
        assert!(!is_hidden(".thirdhost"));
    }

    #[test]
    fn long_names_that_differ_at_the_end_have_different_temporaries() {
        let (one, other) = (
            format!("{}1", "x".repeat(254)),
            format!("{}2", "x".repeat(254)),
        );
        assert_ne!(partial(&one), partial(&other));
    }

    #[test]
    fn the_candidates_begin_with_the_hint_and_fit() {
        let first: Vec<String> = candidates("a").take(3).collect();
        assert_eq!(first, ["a", "a.1", "a.2"]);
        assert!(candidates(&"é".repeat(127)).all(|name| name.len() <= COMPONENT_BYTES_MAX));
    }
}
