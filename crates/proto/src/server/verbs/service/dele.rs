//! DELE: delete a file. RFC 959 section 4.1.3.

use thirdhost_wire::Pathname;

use crate::server::questions::Asked;
use crate::server::session::ServerPi;
use crate::server::{Effect, Permission, Question};

pub(in crate::server) fn dele(pi: &mut ServerPi, name: &Pathname) {
    if let Some(path) = pi.permitted_path(Permission::Delete, Some(name)) {
        pi.ask(Effect::Ask(Question::Delete(path)), Asked::Change);
    }
}
