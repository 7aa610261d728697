//! PWD: the working directory, quoted. RFC 959 section 4.1.3 and appendix II.

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn pwd(pi: &mut ServerPi) {
    let reply = text::working_directory(&pi.directory);
    pi.reply(reply);
}
