//! The load: raw FTP dialogue and bytes, made so that the server is what is measured.

mod bytes;
mod control;
mod logins;
mod secret;

pub(crate) use bytes::{drain, drain_sealed, feed, feed_sealed};
pub(crate) use control::Control;
pub(crate) use logins::{Idle, log_in_for};
pub(crate) use secret::Secret;
