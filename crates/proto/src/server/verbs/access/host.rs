//! HOST: which of the server's names the user means. RFC 7151 section 3.

use thirdhost_wire::HostName;

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn host(pi: &mut ServerPi, host: &HostName) {
    let reply = if pi.login.is_in() {
        text::host_after_login()
    } else if pi.settings.hosts.serve(host) {
        text::host_accepted()
    } else {
        text::unknown_host()
    };
    pi.reply(reply);
}
