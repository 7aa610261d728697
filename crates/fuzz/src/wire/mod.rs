//! The parsers of `thirdhost-wire`: no panic, and what is read is written so that it is read the
//! same.

pub(crate) mod address;
pub(crate) mod block;
pub(crate) mod command;
pub(crate) mod facts;
pub(crate) mod feature;
pub(crate) mod line;
pub(crate) mod reply;
