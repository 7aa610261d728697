//! APPE: receive behind what is there. RFC 959 section 4.1.3, RFC 438's own example.

use thirdhost_wire::{Direction, Pathname};

use crate::server::session::ServerPi;
use crate::server::transfer::{begin, extent, give_up, prepare};
use crate::server::{Operation, Permission};

pub(in crate::server) fn appe(pi: &mut ServerPi, name: &Pathname) {
    let Some(path) = prepare(pi, Direction::Receive, Permission::Append, Some(name)) else {
        return;
    };
    let Some((offset, end)) = extent(pi) else {
        return;
    };
    // APPE after REST or RANG acts as STOR at that offset (RFC 3659 section 5, spec section 6),
    // and so it needs the permission to overwrite as well.
    match offset {
        None => begin(pi, Operation::Append { path }),
        Some(_) if !pi.permit(Permission::Write, &path) => give_up(pi),
        Some(_) => begin(
            pi,
            Operation::Store {
                path,
                offset,
                end,
                part_of: None,
            },
        ),
    }
}
