//! What MFMT, MFF, SITE CHMOD and SITE UTIME do to a file: one change, asked for once.

use thirdhost_wire::{Pathname, Reply, TimeVal};

use super::questions::Asked;
use super::session::ServerPi;
use super::{Effect, Permission, Question, VirtualPath};

/// Asks the store to change facts about `name`; `reply` follows when that is done.
pub(super) fn change(
    pi: &mut ServerPi,
    name: &Pathname,
    modified: Option<TimeVal>,
    mode: Option<u32>,
    reply: Reply,
) {
    if let Some(path) = pi.permitted_path(Permission::Write, Some(name)) {
        ask(pi, path, modified, mode, reply);
    }
}

/// The same, where permission and path have been checked.
pub(super) fn ask(
    pi: &mut ServerPi,
    path: VirtualPath,
    modified: Option<TimeVal>,
    mode: Option<u32>,
    reply: Reply,
) {
    let question = Question::SetFacts {
        path,
        modified,
        mode,
    };
    pi.ask(Effect::Ask(question), Asked::Then(reply));
}
