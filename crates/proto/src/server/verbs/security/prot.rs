//! PROT: how data connections are protected. RFC 4217 section 9, spec S-39.

use thirdhost_wire::{ProtectionLevel, Verb};

use crate::server::TlsOffer;
use crate::server::protection::clear_allowed;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn prot(pi: &mut ServerPi, level: ProtectionLevel) {
    if pi.settings.tls == TlsOffer::Absent {
        return pi.reply(text::no_tls_here(Verb::Prot));
    }
    if !pi.security.sized {
        return pi.reply(text::buffer_size_first());
    }
    let reply = match level {
        ProtectionLevel::Safe | ProtectionLevel::Confidential => {
            return pi.reply(text::no_such_level());
        }
        ProtectionLevel::Clear if !clear_allowed(pi) => {
            return pi.reply(text::clear_not_allowed());
        }
        ProtectionLevel::Clear => "Data connections are in clear text.",
        ProtectionLevel::Private => "Data connections are protected by TLS.",
    };
    if pi.security.level != level {
        // A connection that is open was made at the old level.
        pi.disconnect();
    }
    pi.security.level = level;
    pi.reply(text::parameter_set(reply));
}
