//! The access control commands. RFC 959 section 4.1.1 and its successors.

mod acct;
mod cdup;
mod clnt;
mod csid;
mod cwd;
mod host;
mod lang;
mod pass;
mod quit;
mod rein;
mod user;

pub(in crate::server) use acct::acct;
pub(in crate::server) use cdup::cdup;
pub(in crate::server) use clnt::clnt;
pub(in crate::server) use csid::csid;
pub(in crate::server) use cwd::cwd;
pub(in crate::server) use host::host;
pub(in crate::server) use lang::lang;
pub(in crate::server) use pass::pass;
pub(in crate::server) use quit::quit;
pub(in crate::server) use rein::{rein, start_over};
pub(in crate::server) use user::user;
