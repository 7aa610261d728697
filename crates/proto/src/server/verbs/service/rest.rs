//! REST: where the next transfer begins. RFC 3659 section 5, RFC 959 section 3.5.

use thirdhost_wire::{RestartPoint, TransmissionMode};

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn rest(pi: &mut ServerPi, point: RestartPoint) {
    let fits = match (&point, pi.parameters.mode) {
        (RestartPoint::Offset(_), TransmissionMode::Stream) => true,
        (RestartPoint::Marker(marker), TransmissionMode::Block) => {
            text::offset_of_marker(marker).is_some()
        }
        (RestartPoint::Offset(_), TransmissionMode::Block)
        | (RestartPoint::Marker(_), TransmissionMode::Stream) => false,
    };
    if fits {
        pi.restart = Some(point);
        pi.reply(text::restart_pending());
    } else {
        pi.reply(text::restart_form());
    }
}
