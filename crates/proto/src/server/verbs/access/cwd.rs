//! CWD: change the working directory. RFC 959 section 4.1.1.

use thirdhost_wire::Pathname;

use crate::server::questions::Asked;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::{Effect, Question, VirtualPath};

pub(in crate::server) fn cwd(pi: &mut ServerPi, name: &Pathname) {
    if let Some(path) = pi.resolve(name) {
        enter(pi, path);
    }
}

/// Makes `path` the working directory, where the user may do anything at all.
pub(super) fn enter(pi: &mut ServerPi, path: VirtualPath) {
    if !pi.login.permissions().may_enter(&path) {
        return pi.reply(text::may_not_enter());
    }
    pi.ask(
        Effect::Ask(Question::Enter(path.clone())),
        Asked::Enter(path),
    );
}
