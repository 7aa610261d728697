//! The transfer parameters commands. RFC 959 section 4.1.2 and its successors.

mod cepr;
mod eprt;
mod epsv;
mod esta;
mod estp;
mod lstn;
mod mode;
mod pasv;
mod port;
mod pret;
mod sock;
mod stru;
mod r#type;

pub(in crate::server) use cepr::cepr;
pub(in crate::server) use eprt::eprt;
pub(in crate::server) use epsv::epsv;
pub(in crate::server) use esta::esta;
pub(in crate::server) use estp::estp;
pub(in crate::server) use lstn::lstn;
pub(in crate::server) use mode::mode;
pub(in crate::server) use pasv::{listen, pasv};
pub(in crate::server) use port::port;
pub(in crate::server) use pret::pret;
pub(in crate::server) use sock::sock;
pub(in crate::server) use stru::stru;
pub(in crate::server) use r#type::set_type;
