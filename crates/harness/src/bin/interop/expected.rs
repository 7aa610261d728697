//! What must be so: pairs between which no direct way exists, and why.

use crate::copy::Way;
use crate::document::Row;

/// What is wrong with a row, if anything.
pub(crate) fn wrong(row: &Row) -> Option<String> {
    let pair = format!("{} -> {}", row.from, row.to);
    let security = if row.tls { "TLS" } else { "plain" };
    match (&row.way, relay_only(row)) {
        (Way::Direct { .. }, None) | (Way::Relay, Some(_)) => None,
        (Way::Direct { .. }, Some(_)) => Some(format!("{pair} ({security}): direct, unexpectedly")),
        (Way::Relay, None) => Some(format!(
            "{pair} ({security}): relayed, though a direct way exists; refused: {}",
            row.refusals.join("; ")
        )),
        (Way::Failed(why), _) => Some(format!("{pair} ({security}): {why}")),
    }
}

/// Why two servers cannot meet; `None` if they can.
pub(crate) fn relay_only(row: &Row) -> Option<&'static str> {
    RELAY_ONLY
        .iter()
        .find(|case| (case.from, case.to, case.tls) == (row.from, row.to, row.tls))
        .map(|case| case.why)
}

struct RelayOnly {
    from: &'static str,
    to: &'static str,
    tls: bool,
    why: &'static str,
}

const RELAY_ONLY: &[RelayOnly] = &[];
