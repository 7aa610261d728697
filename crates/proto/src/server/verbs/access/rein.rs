//! REIN: everything back to the beginning, the connection stays. RFC 959 section 4.1.1.

use std::time::Duration;

use thirdhost_wire::{FactSet, HashAlgorithm};

use crate::server::login::Login;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::timers::Timers;
use crate::server::{TransferParameters, VirtualPath};

pub(in crate::server) fn rein(pi: &mut ServerPi, now: Duration) {
    pi.release_plan();
    pi.login = Login::Out;
    pi.parameters = TransferParameters::default();
    pi.directory = VirtualPath::root();
    pi.facts = FactSet::default();
    pi.hash = HashAlgorithm::default();
    pi.epsv_all = false;
    pi.custom_epsv = false;
    pi.settings.limits.idle = pi.idle_most;
    // The time for a login runs anew; the count of failures does not start again (spec S-25).
    pi.timers = Timers::new(now);
    pi.reply(text::reinitialized());
}
