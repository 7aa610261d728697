//! Replies about files and directories.

use thirdhost_wire::Reply;

use super::{multi, reply};
use crate::server::effect::Refusal;
use crate::server::permission::Permission;
use crate::server::virtual_path::{PathError, VirtualPath};

pub(in crate::server) fn no_permission(permission: Permission) -> Reply {
    reply(
        550,
        &format!("You may not do that here; it needs the permission {permission}."),
    )
}

pub(in crate::server) fn may_not_enter() -> Reply {
    reply(550, "You have no permission there.")
}

pub(in crate::server) fn bad_path(error: PathError) -> Reply {
    reply(553, &format!("Name not allowed: {error}."))
}

pub(in crate::server) fn refusal(why: Refusal) -> Reply {
    match why {
        Refusal::NotFound => reply(550, "No such file or directory."),
        Refusal::NotPermitted => reply(550, "Not permitted."),
        Refusal::Exists => reply(550, "It exists already."),
        Refusal::NotDirectory => reply(550, "Not a directory."),
        Refusal::NotFile => reply(550, "Not a regular file."),
        Refusal::NotEmpty => reply(550, "The directory is not empty."),
        Refusal::NameNotAllowed => reply(553, "Name not allowed."),
        Refusal::Busy => reply(450, "Another transfer holds the file; try again later."),
        Refusal::BadOffset => reply(554, "The restart point lies beyond the end of the file."),
        Refusal::NoSpace => reply(452, "No room."),
        Refusal::TooLarge => reply(552, "Your files may not be that large."),
        Refusal::TooLargeToCount => reply(550, "Too large to count in TYPE A; send TYPE I first."),
        Refusal::TooLargeToHash => reply(550, "Too much to hash at once; name a range."),
        Refusal::Overloaded => reply(450, "The server is busy with the like; try again later."),
        Refusal::PatternTooWide => reply(553, "The pattern has too many stars."),
        Refusal::ThirdHost => reply(
            504,
            "Not with a third host: you may use other paths for that, or need PROT P.",
        ),
        Refusal::NotSupported => reply(504, "Not possible on this store."),
        Refusal::Incomplete => reply(451, "Octets of the file are missing; nothing is stored."),
        Refusal::Differs => reply(551, "The file has another hash; nothing is stored."),
        Refusal::Failed => reply(451, "Reading or writing failed."),
    }
}

pub(in crate::server) fn directory_changed() -> Reply {
    reply(250, "Directory changed.")
}

pub(in crate::server) fn working_directory(path: &VirtualPath) -> Reply {
    thirdhost_wire::pathname_reply(path.as_str(), "is the current directory.")
}

pub(in crate::server) fn directory_made(path: &VirtualPath) -> Reply {
    thirdhost_wire::pathname_reply(path.as_str(), "created.")
}

pub(in crate::server) fn rename_pending() -> Reply {
    reply(350, "Now the new name, with RNTO.")
}

pub(in crate::server) fn rename_from_first() -> Reply {
    reply(503, "Send RNFR directly before RNTO.")
}

pub(in crate::server) fn changed() -> Reply {
    reply(250, "Done.")
}

pub(in crate::server) fn value(value: &str) -> Reply {
    reply(213, value)
}

pub(in crate::server) fn facts(line: &str) -> Reply {
    multi(250, "Listing", [line], "End")
}

pub(in crate::server) fn status_of_path(directory: bool, lines: Vec<String>) -> Reply {
    multi(
        if directory { 212 } else { 213 },
        "Status follows",
        lines,
        "End of status",
    )
}
