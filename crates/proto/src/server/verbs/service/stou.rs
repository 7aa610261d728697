//! STOU: receive a file under a free name. RFC 959 section 4.1.3.

use thirdhost_wire::{Direction, Pathname};

use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::transfer::{begin, prepare};
use crate::server::{Operation, Permission};

pub(in crate::server) fn stou(pi: &mut ServerPi, name: Option<&Pathname>) {
    if pi.restart.take().is_some() {
        return pi.reply(text::restart_with_unique());
    }
    let default = Pathname::try_from(DEFAULT_NAME).ok();
    let name = name.or(default.as_ref());
    let Some(hint) = prepare(pi, Direction::Receive, Permission::Write, name) else {
        return;
    };
    begin(pi, Operation::StoreUnique { hint });
}

/// The name a file gets when the user hints at none.
const DEFAULT_NAME: &str = "file";
