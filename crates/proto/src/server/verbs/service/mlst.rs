//! MLST: one file or directory as facts, on the control connection. RFC 3659 section 7.

use thirdhost_wire::Pathname;

use crate::server::questions::Asked;
use crate::server::session::ServerPi;
use crate::server::{Effect, Permission, Question};

pub(in crate::server) fn mlst(pi: &mut ServerPi, name: Option<&Pathname>) {
    if let Some(path) = pi.permitted_path(Permission::Read, name) {
        let facts = pi.facts;
        pi.ask(Effect::Ask(Question::Facts { path, facts }), Asked::Facts);
    }
}
