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
    let is_server_alone =
        |name: &str| peers::named(name).is_some_and(|peer| peer.tls() == TlsEnd::Server);
    (row.tls && is_server_alone(row.from) && is_server_alone(row.to)).then_some(NO_TLS_CLIENT)
}

const NO_TLS_CLIENT: &str = "Neither can be the TLS client of the other: neither has SSCN or CPSV";
