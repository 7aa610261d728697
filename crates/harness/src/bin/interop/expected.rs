//! What must be so: between which servers no direct way exists, and why.

use thirdhost_harness::peers::{self, TlsEnd};

use crate::copy::Way;
use crate::document::Row;

/// What is wrong with a row, if anything.
pub(crate) fn wrong(row: &Row) -> Option<String> {
    let security = if row.tls { "TLS" } else { "plain" };
    let pair = format!("{} -> {} ({security})", row.from, row.to);
    match (&row.way, relay_only(row)) {
        (Way::Direct { .. }, None) | (Way::Relay, Some(_)) => None,
        (Way::Direct { .. }, Some(_)) => Some(format!("{pair}: direct, unexpectedly")),
        (Way::Relay, None) => Some(format!(
            "{pair}: relayed, though a direct way exists; refused: {}",
            row.refusals.join("; ")
        )),
        (Way::Failed(why), _) => Some(format!("{pair}: {why}")),
    }
}

/// Why two servers cannot meet; `None` if they can.
pub(crate) fn relay_only(row: &Row) -> Option<&'static str> {
    let end = |name: &str| peers::named(name).map_or(TlsEnd::None, peers::Peer::tls);
    if !row.tls || end(row.to) != TlsEnd::Server {
        return None;
    }
    match end(row.from) {
        TlsEnd::Server => Some(NO_TLS_CLIENT),
        TlsEnd::Either if row.from != OURS => Some(UNREAD_TICKETS),
        TlsEnd::Either | TlsEnd::None => None,
    }
}

const OURS: &str = "thirdhostd";

const NO_TLS_CLIENT: &str = "\
Neither can be the TLS client of the other: neither has SSCN or CPSV";

/// The client knows it too, and does not try.
const UNREAD_TICKETS: &str = "\
The source alone could be the TLS client, and closes with TLS tickets unread, which costs the \
destination the end of the file";
