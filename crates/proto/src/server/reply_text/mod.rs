//! Every reply the server gives: the one place where codes and words meet. Spec 1.2, Q-16.
//!
//! Error replies name the command's meaning, never its argument (spec S-62).

mod data;
mod files;
mod hash;
mod security;
mod session;
mod site;

use thirdhost_wire::{Reply, ReplyCode};

pub(super) use data::*;
pub(super) use files::*;
pub(super) use hash::*;
pub(super) use security::*;
pub(super) use session::*;
pub(super) use site::*;

fn reply(code: u16, text: &str) -> Reply {
    Reply::new(ReplyCode::new(code).unwrap_or(INTERNAL), text)
}

fn multi<S: AsRef<str>>(
    code: u16,
    first: &str,
    inner: impl IntoIterator<Item = S>,
    last: &str,
) -> Reply {
    Reply::multi(ReplyCode::new(code).unwrap_or(INTERNAL), first, inner, last)
}

/// For a code outside 100 to 599, which no line above gives.
const INTERNAL: ReplyCode = match ReplyCode::new(451) {
    Some(code) => code,
    None => ReplyCode::DATA_SOCKET,
};
