//! Many files between two servers over one arrangement, commands sent ahead on both control
//! connections. Design "Pipelining".

mod ahead;
mod arrange;
mod batch;
mod early;
mod feed;
mod files;
mod lane;
mod lister;
mod proof;

pub(crate) use ahead::Ahead;
pub(crate) use arrange::{Listening, announce_call, withdraw_arrangement};
pub(crate) use batch::make_directories;
pub(crate) use early::Early;
pub(crate) use feed::{Ended, Feed, Item};
pub(crate) use files::run;
pub(crate) use lane::Lane;
pub(crate) use lister::{Lister, announce_listing, withdraw_listing};
pub(crate) use proof::{Proof, is_dropped};

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
