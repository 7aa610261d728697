//! SIZE: how many octets RETR would send. RFC 3659 section 4.

use thirdhost_wire::Pathname;

use crate::server::questions::Asked;
use crate::server::session::ServerPi;
use crate::server::{Effect, Permission, Question};

pub(in crate::server) fn size(pi: &mut ServerPi, name: &Pathname) {
    if let Some(path) = pi.permitted_path(Permission::Read, Some(name)) {
        let representation = pi.parameters.representation;
        pi.ask(
            Effect::Ask(Question::Size {
                path,
                representation,
            }),
            Asked::Value,
        );
    }
}
