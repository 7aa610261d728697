//! CDUP: go up one directory; at the root, stay there. RFC 959 section 4.1.1.

use crate::server::questions::Asked;
use crate::server::session::ServerPi;
use crate::server::{Effect, Question};

pub(in crate::server) fn cdup(pi: &mut ServerPi) {
    let path = pi.directory.parent();
    pi.ask(
        Effect::Ask(Question::Enter(path.clone())),
        Asked::Enter(path),
    );
}
