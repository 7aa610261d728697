//! Many files between two servers over one arrangement, commands sent ahead on both control
//! connections. Design "Pipelining".

mod arrange;
mod batch;
mod files;
mod lane;
mod lister;
mod proof;

pub(crate) use batch::make_directories;
pub(crate) use files::{Ended, Feed, Item, run};
pub(crate) use lister::{Lister, ListingAhead, announce_listing, withdraw_listing};

use crate::ControlConn;

/// How many commands this server queues (FEAT); none if it knows no pipeline.
pub(crate) fn depth(conn: &ControlConn) -> Option<usize> {
    let features = conn.features();
    let told = features.all("PIPELINE").next()?.trim().parse().ok()?;
    let has_modes = features.has_parameter("MODE", "B") && told > 0;
    has_modes.then_some(usize::min(told, COMMANDS_MAX))
}

/// Commands under way on one control connection, whatever the server tells: each is a line and
/// a few replies in memory, and more gains nothing.
const COMMANDS_MAX: usize = 1_000;
