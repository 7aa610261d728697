//! MDTM: when a file was modified. RFC 3659 section 3.

use thirdhost_wire::Pathname;

use crate::server::questions::Asked;
use crate::server::session::ServerPi;
use crate::server::{Effect, Permission, Question};

pub(in crate::server) fn mdtm(pi: &mut ServerPi, name: &Pathname) {
    if let Some(path) = pi.permitted_path(Permission::Read, Some(name)) {
        pi.ask(Effect::Ask(Question::Modified(path)), Asked::Value);
    }
}
