//! LSTN (listen): reserve a data socket for later transfers. RFC 438 clause a.

use thirdhost_wire::{Direction, NetworkProtocol};

use crate::server::questions::Asked;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::{Arrange, Effect};

//= rfc438#a
//# The LSTN (Listen) command requests the FTP server to allocate a
//# socket for use as a data connection.
pub(in crate::server) fn lstn(
    pi: &mut ServerPi,
    direction: Direction,
    protocol: Option<NetworkProtocol>,
) {
    //= rfc438#a.1
    //# refusing to allocate such a socket
    if pi.epsv_all {
        return pi.reply(text::epsv_all_in_force());
    }
    if !pi.speaks(protocol) {
        return;
    }
    // A second LSTN replaces the first; the old listener is closed first (spec A-10).
    pi.release_plan();
    let listen = Arrange::Listen {
        protocol,
        direction: Some(direction),
        on_held: false,
    };
    pi.ask(Effect::Arrange(listen), Asked::Lstn { direction });
}
