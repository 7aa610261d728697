//! Replies about TLS. RFC 4217, spec section 5.

use thirdhost_wire::{Reply, Verb};

use super::reply;
use crate::server::operation::TlsFailure;
use crate::server::protection::TlsRole;

pub(in crate::server) fn no_tls_here(verb: Verb) -> Reply {
    reply(502, &format!("{verb}: there is no TLS here."))
}

pub(in crate::server) fn tls_begins() -> Reply {
    reply(234, "Begin the TLS handshake.")
}

pub(in crate::server) fn unknown_mechanism() -> Reply {
    reply(504, "AUTH: the mechanism is TLS.")
}

pub(in crate::server) fn protected_already() -> Reply {
    reply(503, "TLS protects this connection already.")
}

pub(in crate::server) fn commands_behind_handshake() -> Reply {
    reply(421, "Send nothing before TLS has begun or ended; closing.")
}

pub(in crate::server) fn auth_first() -> Reply {
    reply(503, "Send AUTH TLS first.")
}

pub(in crate::server) fn buffer_size() -> Reply {
    reply(200, "PBSZ=0")
}

pub(in crate::server) fn buffer_size_first() -> Reply {
    reply(503, "Send PBSZ 0 first.")
}

pub(in crate::server) fn no_such_level() -> Reply {
    reply(536, "TLS has no such level; the levels are C and P.")
}

pub(in crate::server) fn clear_not_allowed() -> Reply {
    reply(534, "Data connections must be protected here; send PROT P.")
}

pub(in crate::server) fn private_first() -> Reply {
    reply(503, "Send PROT P first.")
}

pub(in crate::server) fn stays_protected() -> Reply {
    reply(534, "The control connection stays protected here.")
}

pub(in crate::server) fn not_protected() -> Reply {
    reply(533, "The control connection is not protected.")
}

/// The exact words of SSCN's authors.
pub(in crate::server) fn secured_client(role: TlsRole) -> Reply {
    reply(
        200,
        match role {
            TlsRole::Client => "SSCN:CLIENT METHOD",
            TlsRole::Server => "SSCN:SERVER METHOD",
        },
    )
}

pub(in crate::server) fn peer_named() -> Reply {
    reply(200, "The peer must show that certificate.")
}

/// RFC 4217 section 10.2.
pub(in crate::server) fn tls_failed(failure: TlsFailure) -> Reply {
    reply(
        522,
        match failure {
            TlsFailure::Handshake => "The TLS handshake on the data connection failed.",
            TlsFailure::Peer => "The peer did not prove to be the one expected; nothing was sent.",
            TlsFailure::NotResumed => {
                "The data connection must resume the TLS session of the control connection."
            }
        },
    )
}

pub(in crate::server) fn not_with_tls() -> Reply {
    reply(503, "Under TLS there is nothing to exchange that way.")
}
