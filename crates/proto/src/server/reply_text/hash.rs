//! Replies to HASH, its older kin, and RANG.

use thirdhost_wire::{ByteRange, HashAlgorithm, Pathname, Reply};

use super::files::refusal;
use super::reply;
use crate::server::effect::Refusal;

/// As deployed servers have it: the second number stands behind the last octet.
pub(in crate::server) fn hash(
    algorithm: HashAlgorithm,
    (first, end): (u64, u64),
    digest: &str,
    name: &Pathname,
) -> Reply {
    reply(213, &format!("{algorithm} {first}-{end} {digest} {name}"))
}

/// In capitals, as the X commands have always told it.
pub(in crate::server) fn checksum(digest: &str) -> Reply {
    reply(213, &digest.to_ascii_uppercase())
}

/// The draft's codes where they differ from the usual ones.
pub(in crate::server) fn hash_refusal(why: Refusal) -> Reply {
    match why {
        Refusal::NotFile => reply(553, "Not a regular file."),
        Refusal::TooLargeToHash => reply(556, "Too much to hash at once; use RANG."),
        _ => refusal(why),
    }
}

pub(in crate::server) fn hash_chosen(algorithm: HashAlgorithm) -> Reply {
    reply(200, algorithm.name())
}

pub(in crate::server) fn unknown_hash() -> Reply {
    reply(501, "OPTS HASH: unknown algorithm; FEAT lists them.")
}

pub(in crate::server) fn bad_range() -> Reply {
    reply(501, "Expected a start and, behind it, an end.")
}

pub(in crate::server) fn range_in_text() -> Reply {
    reply(551, "RANG needs TYPE I and STRU F.")
}

pub(in crate::server) fn range_pending(range: Option<ByteRange>) -> Reply {
    match range {
        Some(range) => {
            let (first, last) = (range.first(), range.last());
            reply(350, &format!("Restarting at {first}; ending at {last}."))
        }
        None => reply(350, "The range is taken back."),
    }
}
