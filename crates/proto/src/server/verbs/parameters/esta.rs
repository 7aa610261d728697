//! ESTA: call the peer of PORT, EPRT or SOCK now, and tell from where. Draft
//! ietf-ftpext-data-connection-assurance.

use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::transfer::establish;
use crate::server::{Plan, Route};

pub(in crate::server) fn esta(pi: &mut ServerPi) {
    // The one call that does not wait for a transfer command: its target is admitted, as ever,
    // and counts among the user's third hosts (spec S-4).
    match pi.plan {
        Plan::Active { target, .. } => establish(pi, Route::Call { target }),
        Plan::Default | Plan::Passive { .. } => pi.reply(text::not_active()),
    }
}
