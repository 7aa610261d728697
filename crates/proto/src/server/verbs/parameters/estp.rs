//! ESTP: accept the caller of PASV, EPSV or LSTN now, and tell who came. Draft
//! ietf-ftpext-data-connection-assurance.

use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::transfer::establish;
use crate::server::{Plan, Route};

pub(in crate::server) fn estp(pi: &mut ServerPi) {
    match pi.plan {
        Plan::Passive {
            filter: Some(filter),
            ..
        } => establish(pi, Route::Accept { filter }),
        Plan::Passive { filter: None, .. } => pi.reply(text::sock_first()),
        Plan::Default | Plan::Active { .. } => pi.reply(text::not_passive()),
    }
}
