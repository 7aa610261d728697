//! MFMT: a file is to count as last changed at a time. Draft somers-ftp-mfxx-03.

use thirdhost_wire::{Pathname, TimeVal};

use crate::server::changes::change;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn mfmt(pi: &mut ServerPi, modified: TimeVal, name: &Pathname) {
    let reply = text::facts_set(&format!("Modify={modified};"), name);
    change(pi, name, Some(modified), None, reply);
}
