//! The verbs, one file each, grouped as RFC 959 section 4.1 groups them.
//!
//! A verb decides and pushes effects; it performs nothing. When it is called, nothing is under
//! way and the user may use it in this state.

pub(super) mod access;
pub(super) mod parameters;
pub(super) mod security;
pub(super) mod service;
