//! LIST: a listing as `ls -l` gives it. RFC 959 section 4.1.3, spec Q-17.

use thirdhost_wire::Pathname;

use crate::server::ListForm;
use crate::server::session::ServerPi;
use crate::server::transfer::begin_list;

pub(in crate::server) fn list(pi: &mut ServerPi, name: Option<&Pathname>) {
    begin_list(pi, name, ListForm::Long);
}
