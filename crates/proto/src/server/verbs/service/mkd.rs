//! MKD: make a directory. RFC 959 section 4.1.3.

use thirdhost_wire::Pathname;

use crate::server::questions::Asked;
use crate::server::session::ServerPi;
use crate::server::{Effect, Permission, Question};

pub(in crate::server) fn mkd(pi: &mut ServerPi, name: &Pathname) {
    if let Some(path) = pi.permitted_path(Permission::Mkdir, Some(name)) {
        let question = Question::MakeDirectory(path.clone());
        pi.ask(Effect::Ask(question), Asked::MakeDirectory(path));
    }
}
