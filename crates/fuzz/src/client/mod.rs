//! What the client reads: places, its own files, and what servers send.

pub(crate) mod hostile;
pub(crate) mod known_servers;
pub(crate) mod netrc;
pub(crate) mod place;
