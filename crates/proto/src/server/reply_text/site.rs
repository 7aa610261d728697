//! Replies to SITE and to the commands that change facts about files.

use std::time::Duration;

use thirdhost_wire::{PartsKey, Pathname, Reply};

use super::{multi, reply};

/// The bits that a user may set; set-id bits are not among them (spec S-49).
pub(in crate::server) const PERMISSION_BITS: u32 = 0o777;

/// The drafts demand the pathname; `facts` ends with its semicolon.
pub(in crate::server) fn facts_set(facts: &str, name: &Pathname) -> Reply {
    reply(213, &format!("{facts} {name}"))
}

pub(in crate::server) fn unknown_fact() -> Reply {
    reply(
        504,
        "MFF: the facts that can be set are modify and UNIX.mode.",
    )
}

pub(in crate::server) fn bad_fact() -> Reply {
    reply(
        501,
        "MFF: expected each fact once, modify=<time> or UNIX.mode=<octal>.",
    )
}

pub(in crate::server) fn set_id_bits() -> Reply {
    reply(504, "The bits beyond 777 cannot be set here.")
}

pub(in crate::server) fn site_done() -> Reply {
    reply(200, "Done.")
}

pub(in crate::server) fn site_help() -> Reply {
    let lines = [
        "CHMOD <octal> <pathname>",
        "HELP",
        "IDLE [<seconds>]",
        "PARTS OPEN <octets> <pathname>",
        "PARTS JOIN | SIZE <key>",
        "PARTS CLOSE [<algorithm> <hash>]",
        "PARTS DROP",
        "PEERCERT SHA256 <64 hexadecimal digits>",
        "UTIME <YYYYMMDDhhmm[ss]> <pathname>",
        "WHO",
    ];
    multi(214, "SITE subcommands:", lines, "End of help")
}

pub(in crate::server) fn parts_opened(key: PartsKey) -> Reply {
    reply(200, &format!("PARTS {key}"))
}

pub(in crate::server) fn parts_joined() -> Reply {
    reply(200, "Joined; RANG and STOR store a part.")
}

pub(in crate::server) fn parts_closed() -> Reply {
    reply(250, "The file is there.")
}

pub(in crate::server) fn parts_dropped() -> Reply {
    reply(200, "Nothing is kept.")
}

pub(in crate::server) fn site_not_for_anonymous() -> Reply {
    reply(550, "SITE is not for anonymous users, except SITE HELP.")
}

pub(in crate::server) fn no_symlinks() -> Reply {
    reply(
        502,
        "SITE SYMLINK is not done here: a link could lead where its maker may not go.",
    )
}

pub(in crate::server) fn operators_only() -> Reply {
    reply(550, "SITE WHO is for operators.")
}

pub(in crate::server) fn who<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Reply {
    multi(211, "Sessions", lines, "End of sessions")
}

pub(in crate::server) fn idle_limit(idle: Duration, most: Duration) -> Reply {
    let (idle, most) = (idle.as_secs(), most.as_secs());
    reply(
        200,
        &format!("The session ends after {idle} silent seconds; at most {most}."),
    )
}

pub(in crate::server) fn idle_out_of_range(most: Duration) -> Reply {
    let most = most.as_secs();
    reply(504, &format!("SITE IDLE takes 1 to {most} seconds."))
}
