//! PASV: listen, and tell address and port. RFC 959 section 4.1.2.

use thirdhost_wire::NetworkProtocol;

use crate::server::questions::Asked;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::{Arrange, Effect, PassiveOrigin, Plan};

pub(in crate::server) fn pasv(pi: &mut ServerPi) {
    if pi.epsv_all {
        return pi.reply(text::epsv_all_in_force());
    }
    listen(pi, None, false, PassiveOrigin::Pasv);
}

/// PASV, EPSV and CPSV: a SOCK given before stays as filter, with the certificate that belongs
/// to it, and they listen on the port that was told for it (spec A-6, RFC 478).
pub(in crate::server) fn listen(
    pi: &mut ServerPi,
    protocol: Option<NetworkProtocol>,
    extended: bool,
    origin: PassiveOrigin,
) {
    let kept = pi.plan.filter_kept_by_pasv();
    if kept.is_some() {
        pi.disconnect();
        pi.plan = Plan::Default;
    } else {
        pi.release_plan();
    }
    let listen = Arrange::Listen {
        protocol,
        direction: None,
        on_held: kept.is_some(),
    };
    pi.ask(
        Effect::Arrange(listen),
        Asked::Pasv {
            extended,
            kept,
            origin,
        },
    );
}
