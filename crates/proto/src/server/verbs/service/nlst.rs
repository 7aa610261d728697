//! NLST: names alone, usable as RETR arguments. RFC 959 4.1.3, RFC 1123 4.1.2.7.

use thirdhost_wire::Pathname;

use crate::server::ListForm;
use crate::server::session::ServerPi;
use crate::server::transfer::begin_list;

pub(in crate::server) fn nlst(pi: &mut ServerPi, name: Option<&Pathname>) {
    begin_list(pi, name, ListForm::Names);
}
