//! CDUP: go up one directory; at the root, stay there. RFC 959 section 4.1.1.

use super::cwd::enter;
use crate::server::session::ServerPi;

pub(in crate::server) fn cdup(pi: &mut ServerPi) {
    let path = pi.directory.parent();
    enter(pi, path);
}
