//! Under which name a file arrives at a server: aside, renamed when whole, where that is allowed.

use thirdhost_proto::third_party::{Cause, Side};
use thirdhost_wire::{Pathname, Reply};

use super::plan::Job;
use super::worker::Line;
use super::{Copy, Location, Moved, names};
use crate::{ControlConn, Error};

/// The name a file has until it is whole; `None` where it gets its own at once: at this host, at
/// a server that keeps half a file aside itself, and where another name was refused before.
pub(super) fn aside(copy: &Copy, line: &mut Line, job: &Job) -> Option<Pathname> {
    let Location::Remote(Some(to)) = &job.to else {
        return None;
    };
    let may_rename = copy.to.as_ref().is_some_and(|site| !site.renames_nothing());
    let is_ours = line.destination().is_none_or(|conn| keeps_partials(conn));
    if !may_rename || is_ours {
        return None;
    }
    let (directory, name) = match to.as_str().rsplit_once('/') {
        Some((directory, name)) => (format!("{directory}/"), name),
        None => (String::new(), to.as_str()),
    };
    let name = names::partial(name);
    Pathname::try_from(format!("{directory}{name}").as_str()).ok()
}

/// A file appears under its name when it is whole, and what was interrupted is kept aside (D10).
pub(super) fn keeps_partials(conn: &ControlConn) -> bool {
    conn.features().has_parameter("MLST", "X.partial")
}

/// Gives a whole file its own name.
///
/// Some servers rename onto nothing that is there: then that goes first.
pub(super) async fn settle(
    conn: &mut ControlConn,
    aside: &Pathname,
    to: &Pathname,
) -> Result<(), Error> {
    match conn.rename(aside, to).await {
        Err(Error::Refused {
            step: "RNTO",
            reply,
            ..
        }) if reply.code().is_permanent_negative() => {
            conn.remove_file(to).await?;
            conn.rename(aside, to).await
        }
        settled => settled,
    }
}

/// Whether this server does not let a file arrive under another name, or not be renamed.
pub(super) fn refuses_names(error: &Error) -> bool {
    match error {
        Error::Refused {
            step: "RNFR" | "RNTO" | "DELE",
            reply,
            ..
        } => reply.code().is_permanent_negative(),
        Error::Refused {
            step: "STOR",
            reply,
            ..
        } => is_about_name(reply),
        Error::ThirdParty { failure, .. } => match failure.of(Side::Destination) {
            Some(Cause::Reply(reply)) => is_about_name(reply),
            _ => false,
        },
        _ => false,
    }
}

/// Removes what a failed copy left at the destination, unless it is wanted for `--continue`.
pub(super) async fn clear(copy: &Copy, line: Option<&mut Line>, job: &mut Job) {
    let Some(left) = job.left.take() else {
        return;
    };
    if copy.options.resume {
        return;
    }
    match left {
        Location::Local(_) => {
            if let Some(here) = &job.here {
                here.remove_partial();
            }
        }
        Location::Remote(Some(path)) => {
            let open = line.and_then(Line::destination);
            if let Some(conn) = open.filter(|conn| conn.is_usable()) {
                conn.remove_at_the_end(&path).await;
            } else if let Some(site) = &copy.to
                && let Ok(mut conn) = site.open().await
            {
                conn.remove_at_the_end(&path).await;
                conn.quit().await.ok();
            }
        }
        Location::Remote(None) => {}
    }
}

/// Two users' names for one file are still one file, and the copy of a file onto itself verifies:
/// what `moves` removes then is the only one.
pub(super) fn check_two_servers(line: &mut Line) -> Result<(), Error> {
    match line.both() {
        [Some(source), Some(destination)] if source.peer() == destination.peer() => {
            let address = source.peer();
            Err(Error::OneServer { address })
        }
        _ => Ok(()),
    }
}

/// The second half of a move.
pub(super) async fn remove_source(line: &mut Line, job: &Job, moved: &Moved) -> Result<(), Error> {
    if moved.verified.is_none() {
        let file = job.name.clone();
        return Err(Error::NotVerified { file });
    }
    match (&job.from, line.source()) {
        (Location::Remote(Some(path)), Some(conn)) => conn.remove_file(path).await,
        (Location::Local(path), _) => std::fs::remove_file(path).map_err(|source| Error::Local {
            what: "remove",
            path: path.clone(),
            source,
        }),
        _ => Ok(()),
    }
}

/// Not what a full disk or a busy file says: there another name would not help.
fn is_about_name(reply: &Reply) -> bool {
    matches!(reply.code().number(), 501 | 550 | 553)
}
