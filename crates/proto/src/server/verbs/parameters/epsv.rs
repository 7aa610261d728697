//! EPSV: listen, and tell the port. RFC 2428 sections 3 and 4.

use thirdhost_wire::EpsvArgument;

use super::pasv::listen;
use crate::server::PassiveOrigin;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn epsv(pi: &mut ServerPi, argument: EpsvArgument) {
    match argument {
        EpsvArgument::Default => listen(pi, None, true, PassiveOrigin::Pasv),
        EpsvArgument::Protocol(protocol) => {
            if pi.speaks(Some(protocol)) {
                listen(pi, Some(protocol), true, PassiveOrigin::Pasv);
            }
        }
        EpsvArgument::All => {
            pi.epsv_all = true;
            pi.reply(text::epsv_all());
        }
    }
}
