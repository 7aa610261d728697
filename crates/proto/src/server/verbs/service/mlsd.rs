//! MLSD: a directory as facts and names. RFC 3659 section 7.

use thirdhost_wire::Pathname;

use crate::server::ListForm;
use crate::server::session::ServerPi;
use crate::server::transfer::begin_list;

pub(in crate::server) fn mlsd(pi: &mut ServerPi, name: Option<&Pathname>) {
    let form = ListForm::Facts(pi.facts);
    begin_list(pi, name, form);
}
