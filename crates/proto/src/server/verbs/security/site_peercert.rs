//! SITE PEERCERT: the certificate that the peer of the data connection will show. Spec D-23.

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn peercert(pi: &mut ServerPi, sha256: [u8; 32]) {
    // A fingerprint that came in clear text proves nothing.
    if !pi.security.control {
        return pi.reply(text::auth_first());
    }
    if pi.security.peer != Some(sha256) {
        // A connection that is open was made to whoever showed another certificate, or none.
        pi.disconnect();
    }
    pi.security.peer = Some(sha256);
    pi.reply(text::peer_named());
}
