//! What a server costs: processor time and memory of all its processes.

mod family;

pub(crate) use family::Family;
