//! MODE: stream or block. RFC 959 section 3.4; a change closes an open connection (M-23).

use thirdhost_wire::TransmissionMode;

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn mode(pi: &mut ServerPi, mode: TransmissionMode) {
    if pi.parameters.mode != mode {
        pi.disconnect();
    }
    pi.parameters.mode = mode;
    pi.reply(text::parameter_set(match mode {
        TransmissionMode::Stream => "Mode is stream.",
        TransmissionMode::Block => "Mode is block.",
    }));
}
