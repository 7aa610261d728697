//! The verbs, told to a whole server over loopback, with a disk behind it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod circumstances;
mod early;
mod facts;
mod hashes;
mod listings;
mod markers;
mod parts;
mod paths;
mod pipeline;
mod support;
