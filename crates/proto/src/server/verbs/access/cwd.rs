//! CWD: change the working directory. RFC 959 section 4.1.1.

use thirdhost_wire::Pathname;

use crate::server::questions::Asked;
use crate::server::session::ServerPi;
use crate::server::{Effect, Question};

pub(in crate::server) fn cwd(pi: &mut ServerPi, name: &Pathname) {
    if let Some(path) = pi.resolve(name) {
        pi.ask(
            Effect::Ask(Question::Enter(path.clone())),
            Asked::Enter(path),
        );
    }
}
