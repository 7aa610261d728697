//! What every scenario needs: servers, raw users, peers of data connections, patience.

pub(crate) mod copying;
pub(crate) mod liar;
pub(crate) mod network;
pub(crate) mod patience;
pub(crate) mod peer;
pub(crate) mod secret;
pub(crate) mod site;
pub(crate) mod thirdhostd;
pub(crate) mod user;
