//! RETR: send a file. RFC 959 section 4.1.3, RFC 438 clause b.

use thirdhost_wire::{Direction, Pathname};

use crate::server::session::ServerPi;
use crate::server::transfer::{begin, extent, prepare};
use crate::server::{Operation, Permission};

pub(in crate::server) fn retr(pi: &mut ServerPi, name: &Pathname) {
    let Some(path) = prepare(pi, Direction::Send, Permission::Read, Some(name)) else {
        return;
    };
    let Some((offset, end)) = extent(pi) else {
        return;
    };
    begin(
        pi,
        Operation::Retrieve {
            path,
            offset: offset.unwrap_or(0),
            end,
        },
    );
}
