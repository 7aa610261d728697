//! STRU: file or record structure. RFC 959 section 3.1.2.

use thirdhost_wire::Structure;

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn stru(pi: &mut ServerPi, structure: Structure) {
    pi.parameters.structure = structure;
    pi.reply(text::parameter_set(match structure {
        Structure::File => "Structure is file.",
        Structure::Record => "Structure is record.",
    }));
}
