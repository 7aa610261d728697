//! MDTM: when a file was modified. RFC 3659 section 3.

use thirdhost_wire::{Pathname, Reply, TimeVal};

use crate::server::questions::Asked;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::{Effect, Permission, Question, VirtualPath, changes};

/// What `MDTM <time> <name>` sets when no file has the whole as its name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::server) struct Setting {
    path: VirtualPath,
    modified: TimeVal,
    reply: Reply,
}

pub(in crate::server) fn mdtm(pi: &mut ServerPi, name: &Pathname) {
    if let Some(path) = pi.permitted_path(Permission::Read, Some(name)) {
        let asked = setting(pi, name).map_or(Asked::Value, Asked::ModifiedOr);
        pi.ask(Effect::Ask(Question::Modified(path)), asked);
    }
}

/// The whole argument named nothing: then it was the form that sets.
pub(in crate::server) fn mdtm_set(pi: &mut ServerPi, setting: Setting) {
    let Setting {
        path,
        modified,
        reply,
    } = setting;
    if pi.permit(Permission::Write, &path) {
        changes::ask(pi, path, Some(modified), None, reply);
    }
}

fn setting(pi: &ServerPi, name: &Pathname) -> Option<Setting> {
    if !pi.settings.mdtm_sets {
        return None;
    }
    let (time, rest) = name.as_str().split_once(' ')?;
    let (modified, rest) = (time.parse().ok()?, Pathname::try_from(rest).ok()?);
    Some(Setting {
        path: pi.directory.join(&rest).ok()?,
        modified,
        reply: text::facts_set(&format!("Modify={modified};"), &rest),
    })
}
