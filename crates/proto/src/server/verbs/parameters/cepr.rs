//! CEPR: whether 229 tells family and address too, against RFC 2428, for lftp (spec F-8).

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn cepr(pi: &mut ServerPi, on: bool) {
    pi.custom_epsv = on;
    pi.reply(text::parameter_set(if on {
        "Custom extended passive replies are on."
    } else {
        "Custom extended passive replies are off."
    }));
}
