//! The security commands. RFC 2228 section 3, RFC 4217, spec 5.6.

mod auth;
mod ccc;
mod cpsv;
mod pbsz;
mod prot;
mod site_peercert;
mod sscn;

pub(in crate::server) use auth::auth;
pub(in crate::server) use ccc::ccc;
pub(in crate::server) use cpsv::cpsv;
pub(in crate::server) use pbsz::pbsz;
pub(in crate::server) use prot::prot;
pub(in crate::server) use site_peercert::peercert;
pub(in crate::server) use sscn::sscn;
