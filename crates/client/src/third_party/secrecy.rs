//! TLS between the two servers: who can be the TLS client, and who can check whom. Spec 5.5 to
//! 5.7, U-11; design, "RFC 438 on the wire".

use thirdhost_proto::third_party::{Arrangement, BySide, ClientBy, Protection, Roles, Side};

use super::ladder::Rung;
use crate::ControlConn;

/// Which part the two servers play in TLS between them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Part {
    pub(super) client: Side,
    pub(super) by: ClientBy,
    /// Each can check the other's certificate.
    pub(super) mutual: bool,
}

/// What matters of one server here.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct End {
    /// Its control connection is under TLS.
    pub(super) protected: bool,
    pub(super) sscn: bool,
    pub(super) cpsv: bool,
    pub(super) peercert: bool,
}

impl End {
    pub(super) fn of(conn: &ControlConn) -> Self {
        let features = conn.features();
        Self {
            protected: conn.is_protected(),
            sscn: features.has("SSCN"),
            cpsv: features.has("CPSV"),
            peercert: features.has_parameter("SITE", "PEERCERT") && conn.fingerprint().is_some(),
        }
    }
}

/// The rung as it is, or once for each part the servers can play in TLS; or why not at all.
///
/// # Errors
/// Why no data connection between the two can be protected as their control connections are.
pub(super) fn protected(
    rung: Rung,
    ends: BySide<End>,
    unverified_peers: bool,
) -> Result<Vec<Rung>, String> {
    match (ends.source.protected, ends.destination.protected) {
        (false, false) => return Ok(vec![rung]),
        (true, true) => {}
        // SECURITY: clear text never takes the place of TLS unasked (spec U-11).
        (source_is_protected, _) => {
            let (clear, other) = match source_is_protected {
                true => (Side::Destination, Side::Source),
                false => (Side::Source, Side::Destination),
            };
            return Err(format!(
                "the {clear} is spoken to in clear text and the {other} under TLS, so nothing \
                 between them can be protected; use ftpes:// for both"
            ));
        }
    }
    let mutual = ends.source.peercert && ends.destination.peercert;
    let part = |client, by| Part { client, by, mutual };
    let (listener, connector) = (rung.listener, rung.listener.opposite());
    let mut parts = Vec::new();
    // The listener first: as a user is who calls and is TLS client (spec D-20).
    if ends.of(listener).sscn {
        parts.push(part(listener, ClientBy::Sscn));
    } else if ends.of(listener).cpsv && rung.arrangement == Arrangement::Pasv {
        parts.push(part(listener, ClientBy::Cpsv));
    }
    if ends.of(connector).sscn {
        parts.push(part(connector, ClientBy::Sscn));
    }
    if parts.is_empty() {
        return Err(
            "no server can be the TLS client of the other here: neither lists SSCN in FEAT, nor \
             CPSV for PASV"
                .to_owned(),
        );
    }
    // Seen with ProFTPD: a TLS client that sends and closes with TLS 1.3 tickets unread resets
    // the connection, and the destination loses the end of the file. A receiver reads them.
    parts.retain(|part| part.client == Side::Destination || ends.source.peercert);
    if parts.is_empty() {
        return Err(
            "only the source could be the TLS client, and servers that close with TLS tickets \
             unread cost the destination the end of the file"
                .to_owned(),
        );
    }
    if !mutual && !unverified_peers {
        let blind = match ends.source.peercert {
            true => Side::Destination,
            false => Side::Source,
        };
        return Err(format!(
            "the {blind} does not list SITE PEERCERT in FEAT, so the two cannot check each \
             other's certificates; --unverified-peers lets them meet unchecked"
        ));
    }
    Ok(parts
        .into_iter()
        .map(|part| Rung {
            part: Some(part),
            ..rung
        })
        .collect())
}

/// What the machine is to do about it.
pub(super) fn protection(rung: Rung, conns: &BySide<ControlConn>) -> Protection {
    let Some(part) = rung.part else {
        return Protection::Clear;
    };
    let ends = BySide {
        source: End::of(&conns.source),
        destination: End::of(&conns.destination),
    };
    // A TLS server that is told of a certificate demands one, which only servers of ours show.
    let told = |side: Side| {
        let checks = ends.of(side).peercert && (part.mutual || part.client == side);
        let shown = conns.of(side.opposite()).fingerprint();
        shown.filter(|_| checks).map(|shown| shown.octets())
    };
    Protection::Tls(Roles {
        client: part.client,
        by: part.by,
        knows_sscn: BySide {
            source: ends.source.sscn,
            destination: ends.destination.sscn,
        },
        told: BySide {
            source: told(Side::Source),
            destination: told(Side::Destination),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: End = End {
        protected: true,
        sscn: true,
        cpsv: true,
        peercert: true,
    };
    const CLASSIC: End = End {
        protected: true,
        sscn: false,
        cpsv: false,
        peercert: false,
    };
    const CLEAR: End = End {
        protected: false,
        ..OURS
    };

    /// `destination by Sscn`, and `unchecked` where not both can check.
    fn check(
        arrangement: Arrangement,
        source: End,
        destination: End,
        unverified_peers: bool,
        expected: Result<&[&str], &str>,
    ) {
        let rung = Rung {
            arrangement,
            listener: Side::Destination,
            part: None,
        };
        let ends = BySide {
            source,
            destination,
        };
        match (protected(rung, ends, unverified_peers), expected) {
            (Ok(found), Ok(expected)) => {
                let found: Vec<String> = found
                    .iter()
                    .map(|rung| match rung.part {
                        None => "clear".to_owned(),
                        Some(Part { client, by, mutual }) => {
                            let unchecked = if mutual { "" } else { " unchecked" };
                            format!("{client} by {by:?}{unchecked}")
                        }
                    })
                    .collect();
                assert_eq!(found, expected);
            }
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
            (found, expected) => panic!("{found:?} where {expected:?} was expected"),
        }
    }

    #[test]
    fn what_goes_between_two_servers_under_tls_is_under_tls_and_checked_or_does_not_go() {
        use Arrangement::{Epsv, Lstn, Pasv};
        let sscn = End {
            sscn: true,
            ..CLASSIC
        };
        let cpsv = End {
            cpsv: true,
            ..CLASSIC
        };
        let both: &[&str] = &["destination by Sscn", "source by Sscn"];
        check(Lstn, OURS, OURS, false, Ok(both));
        check(Lstn, OURS, OURS, true, Ok(both));
        check(Lstn, CLEAR, CLEAR, false, Ok(&["clear"]));
        check(
            Lstn,
            CLEAR,
            OURS,
            true,
            Err("source is spoken to in clear text"),
        );
        check(
            Lstn,
            OURS,
            CLEAR,
            true,
            Err("destination is spoken to in clear text"),
        );
        check(Epsv, CLASSIC, CLASSIC, true, Err("neither lists SSCN"));
        check(
            Epsv,
            OURS,
            CLASSIC,
            false,
            Err("destination does not list SITE PEERCERT"),
        );
        check(
            Epsv,
            CLASSIC,
            OURS,
            false,
            Err("source does not list SITE PEERCERT"),
        );
        check(Epsv, OURS, CLASSIC, true, Ok(&["source by Sscn unchecked"]));
        check(Epsv, CLASSIC, cpsv, true, Err("neither lists SSCN"));
        check(
            Pasv,
            CLASSIC,
            cpsv,
            true,
            Ok(&["destination by Cpsv unchecked"]),
        );
        check(Pasv, cpsv, CLASSIC, true, Err("neither lists SSCN"));
        check(Pasv, sscn, cpsv, false, Err("SITE PEERCERT"));
        check(Epsv, sscn, CLASSIC, true, Err("the end of the file"));
        check(
            Epsv,
            CLASSIC,
            sscn,
            true,
            Ok(&["destination by Sscn unchecked"]),
        );
        check(
            Pasv,
            sscn,
            cpsv,
            true,
            Ok(&["destination by Cpsv unchecked"]),
        );
    }
}
