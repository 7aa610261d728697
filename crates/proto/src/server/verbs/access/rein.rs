//! REIN: everything back to the beginning, the connection stays. RFC 959 section 4.1.1.

use std::time::Duration;

use thirdhost_wire::{FactSet, HashAlgorithm};

use crate::server::login::Login;
use crate::server::pipeline::Pipeline;
use crate::server::protection::Security;
use crate::server::questions::Asked;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::{Effect, TlsOffer, TransferParameters, VirtualPath};

pub(in crate::server) fn rein(pi: &mut ServerPi, now: Duration) {
    // RFC 4217 section 13: the reply still goes out protected, and TLS ends behind it. What came
    // before TLS has ended is not served after it (spec S-32).
    let ends_tls = pi.security.control && pi.settings.tls == TlsOffer::Explicit;
    if ends_tls && pi.has_queued() {
        return pi.close(text::commands_behind_handshake());
    }
    start_over(pi, now);
    pi.reply(text::reinitialized());
    if ends_tls {
        pi.ask(Effect::EndTls, Asked::Protection);
    }
}

/// Nobody is logged in and every parameter is at its default: REIN, AUTH (RFC 4217 4.3).
pub(in crate::server) fn start_over(pi: &mut ServerPi, now: Duration) {
    // The time for a login runs anew for whoever was in, not for a stranger who says REIN again
    // and again; the count of failures does not start again (spec S-25, S-53).
    if pi.login.is_in() {
        pi.timers.login_begins(now);
    }
    pi.release_plan();
    pi.security = Security::new(pi.settings.tls);
    pi.login = Login::Out;
    pi.parameters = TransferParameters::default();
    pi.directory = VirtualPath::root();
    pi.facts = FactSet::default();
    pi.hash = HashAlgorithm::default();
    pi.part_of = None;
    pi.pipeline = Pipeline::default();
    pi.epsv_all = false;
    pi.custom_epsv = false;
    pi.settings.limits.idle = pi.idle_most;
}
