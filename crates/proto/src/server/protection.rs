//! How a session is protected: TLS on the control connection, PROT, SSCN, PEERCERT. RFC 4217.

use thirdhost_wire::{HostName, ProtectionLevel};

use super::operation::Operation;
use super::plan::{PassiveOrigin, Plan};
use super::questions::Asked;
use super::session::{Activity, ServerPi};

/// Whether the server speaks TLS, and from when on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TlsOffer {
    /// It does not: there is no certificate.
    #[default]
    Absent,
    /// After AUTH TLS.
    Explicit,
    /// From the first octet to the last; the shell has made the handshake before it made the
    /// server-PI. PROT P holds from the beginning (spec 5).
    Implicit,
}

/// Which data connections may be in clear text (design D15, spec S-39).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ClearTransfers {
    /// All: the peer is on loopback, or the operator wrote `require = "nothing"`.
    Allowed,
    /// Those of sessions whose control connection is in clear text too.
    #[default]
    WithoutTls,
    /// None.
    Refused,
}

/// Which part in TLS the server plays on a data connection.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum TlsRole {
    /// The TLS server, whoever called (RFC 4217 section 7).
    #[default]
    Server,
    /// The TLS client: SSCN ON or CPSV, for server to server (spec 5.6).
    Client,
}

/// How the data connection of a transfer is protected.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Protection {
    /// Not at all: PROT C.
    #[default]
    Clear,
    /// By TLS: PROT P.
    Tls {
        /// Which part we play.
        role: TlsRole,
        /// The SHA-256 of the certificate the peer has to show, where SITE PEERCERT named it.
        peer: Option<[u8; 32]>,
    },
}

/// What AUTH, PBSZ, PROT, SSCN and SITE PEERCERT have set.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Security {
    /// Whether the control connection is protected.
    pub(super) control: bool,
    /// Whether PBSZ has come, which PROT needs.
    pub(super) sized: bool,
    pub(super) level: ProtectionLevel,
    /// SSCN.
    pub(super) role: TlsRole,
    /// SITE PEERCERT. It holds as long as the plan it belongs to, which may be the next one.
    pub(super) peer: Option<[u8; 32]>,
}

impl Security {
    pub(super) fn new(offer: TlsOffer) -> Self {
        let implicit = offer == TlsOffer::Implicit;
        Self {
            control: implicit,
            sized: implicit,
            level: if implicit {
                ProtectionLevel::Private
            } else {
                ProtectionLevel::Clear
            },
            ..Self::default()
        }
    }
}

/// The shell has begun or ended TLS on the control connection.
pub(super) fn changed(pi: &mut ServerPi, tls: bool, indicated: Option<HostName>) {
    if pi.activity == Activity::Asking(Asked::Protection) {
        pi.activity = Activity::Idle;
        pi.security.control = tls;
        pi.settings.hosts.indicated = indicated;
    }
}

/// Whether data connections may be in clear text now.
pub(super) fn clear_allowed(pi: &ServerPi) -> bool {
    let of_user = pi.login.identity().and_then(|user| user.clear_transfers);
    match of_user.unwrap_or(pi.settings.clear_transfers) {
        ClearTransfers::Allowed => true,
        ClearTransfers::WithoutTls => !pi.security.control,
        ClearTransfers::Refused => false,
    }
}

/// How the data connection for `operation` is protected; none where it would have to be and is
/// not (521).
pub(super) fn of_transfer(pi: &ServerPi, operation: &Operation) -> Option<Protection> {
    of_connection(pi, matches!(operation, Operation::List { .. }))
}

/// The same for any file, or for any listing.
pub(super) fn of_connection(pi: &ServerPi, listing: bool) -> Option<Protection> {
    let Security {
        level, role, peer, ..
    } = pi.security;
    let origin = match pi.plan {
        Plan::Passive { origin, .. } => Some(origin),
        Plan::Default | Plan::Active { .. } => None,
    };
    let by_cpsv = origin == Some(PassiveOrigin::Cpsv);
    if level != ProtectionLevel::Private {
        // Whoever named the peer's certificate, or asked for TLS by CPSV, never meant clear text.
        let meant = peer.is_none() && !by_cpsv;
        return (meant && clear_allowed(pi)).then_some(Protection::Clear);
    }
    let role = match listing {
        _ if by_cpsv => TlsRole::Client,
        // Listings go to the user, who is a TLS client (spec 5.6).
        true => TlsRole::Server,
        false => role,
    };
    Some(Protection::Tls { role, peer })
}
