//! HASH: the hash of a file, or of RANG's octets of it. Draft bryan-ftpext-hash.

use thirdhost_wire::Pathname;

use crate::server::questions::{Asked, HashReply};
use crate::server::session::ServerPi;
use crate::server::{Effect, HashTarget, Permission, Question};

pub(in crate::server) fn hash(pi: &mut ServerPi, name: &Pathname) {
    let range = pi.range.take();
    if let Some(path) = pi.permitted_path(Permission::Read, Some(name)) {
        let algorithm = pi.hash;
        let question = Question::Hash {
            algorithm,
            targets: vec![HashTarget { path, range }],
        };
        let reply = HashReply::Named(algorithm, name.clone());
        pi.ask(Effect::Ask(question), Asked::Hash(reply));
    }
}
