//! CPSV: PASV, and be the TLS client on that data connection. Spec 5.6.

use thirdhost_wire::{ProtectionLevel, Verb};

use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::verbs::parameters::listen;
use crate::server::{PassiveOrigin, TlsOffer};

pub(in crate::server) fn cpsv(pi: &mut ServerPi) {
    if pi.settings.tls == TlsOffer::Absent {
        return pi.reply(text::no_tls_here(Verb::Cpsv));
    }
    if pi.security.level != ProtectionLevel::Private {
        return pi.reply(text::private_first());
    }
    if pi.epsv_all {
        return pi.reply(text::epsv_all_in_force());
    }
    listen(pi, None, false, PassiveOrigin::Cpsv);
}
