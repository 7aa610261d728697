//! The verbs, told to a whole server over loopback, with a disk behind it.

mod circumstances;
mod facts;
mod support;
