//! STOR: receive a file in place of what is there. RFC 959 section 4.1.3.

use thirdhost_wire::{Direction, Pathname};

use crate::server::session::ServerPi;
use crate::server::transfer::{begin, extent, prepare};
use crate::server::{Operation, Permission};

pub(in crate::server) fn stor(pi: &mut ServerPi, name: &Pathname) {
    let Some(path) = prepare(pi, Direction::Receive, Permission::Write, Some(name)) else {
        return;
    };
    let Some((offset, end)) = extent(pi) else {
        return;
    };
    // Without a range it is a file of its own, whatever was joined.
    let part_of = pi.part_of.filter(|_| end.is_some());
    let store = Operation::Store {
        path,
        offset,
        end,
        part_of,
    };
    begin(pi, store);
}
