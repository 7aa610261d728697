//! TYPE: the representation. RFC 959 section 3.1.1.

use thirdhost_wire::RepresentationType;

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn set_type(pi: &mut ServerPi, representation: RepresentationType) {
    pi.parameters.representation = representation;
    pi.reply(text::parameter_set(match representation {
        RepresentationType::Ascii => "Type is ASCII.",
        RepresentationType::Image => "Type is image.",
    }));
}
