//! AUTH: protect the control connection with TLS. RFC 4217 section 4, spec S-30.

use std::time::Duration;

use thirdhost_wire::{AuthMechanism, Verb};

use crate::server::questions::Asked;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::verbs::access::start_over;
use crate::server::{Effect, TlsOffer};

pub(in crate::server) fn auth(pi: &mut ServerPi, now: Duration, mechanism: &AuthMechanism) {
    if pi.settings.tls == TlsOffer::Absent {
        return pi.reply(text::no_tls_here(Verb::Auth));
    }
    if let AuthMechanism::Other(_) = mechanism {
        return pi.reply(text::unknown_mechanism());
    }
    if pi.security.control {
        return pi.reply(text::protected_already());
    }
    // SECURITY: what was sent in clear behind AUTH may be another's, and must never be served
    // as if it had come through TLS (spec S-30).
    if pi.has_queued() {
        return pi.close(text::commands_behind_handshake());
    }
    start_over(pi, now);
    pi.reply(text::tls_begins());
    pi.ask(Effect::StartTls, Asked::Protection);
}
