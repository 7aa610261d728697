//! SSCN: whether to be the TLS client on data connections. Spec 5.6.

use thirdhost_wire::Verb;

use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::{TlsOffer, TlsRole};

pub(in crate::server) fn sscn(pi: &mut ServerPi, on: Option<bool>) {
    if pi.settings.tls == TlsOffer::Absent {
        return pi.reply(text::no_tls_here(Verb::Sscn));
    }
    if !pi.security.control {
        return pi.reply(text::auth_first());
    }
    match on {
        Some(true) => pi.security.role = TlsRole::Client,
        Some(false) => pi.security.role = TlsRole::Server,
        None => {}
    }
    let reply = text::secured_client(pi.security.role);
    pi.reply(reply);
}
