//! The user-PI of one control connection: which reply answers which command. RFC 959 section 4.2.

mod class;
mod pi;

pub use class::Class;
pub use pi::{Received, SendRefused, Ticket, UserPi};
