//! Under which name a file arrives at a server: aside, renamed when whole, where that is allowed.

use thirdhost_proto::third_party::{Cause, Side};
use thirdhost_wire::{Pathname, Reply};

use super::plan::Job;
use super::worker::Line;
use super::{Copy, Location, Moved, look, names};
use crate::{ControlConn, Error};

/// A new name for a file until it is whole; `None` where it gets its own at once: at this host, at
/// a server that keeps half a file aside itself, and where another name was refused before.
pub(super) fn aside(copy: &Copy, line: &mut Line, job: &Job) -> Option<Pathname> {
    let Location::Remote(Some(to)) = &job.to else {
        return None;
    };
    let is_ours = line.destination().is_none_or(|conn| keeps_partials(conn));
    if !may_rename(copy) || is_ours {
        return None;
    }
    aside_of(copy, to)
}

/// Whether a file may have another name at the destination until it is whole.
pub(super) fn may_rename(copy: &Copy) -> bool {
    copy.to.as_ref().is_some_and(|site| !site.renames_nothing())
}

/// A new name for a file until it is whole.
pub(super) fn aside_of(copy: &Copy, to: &Pathname) -> Option<Pathname> {
    let mark = copy.environment.world.random.below(u32::MAX);
    beside(to, |name| names::marked_partial(name, mark))
}

/// Removes what was set aside of a file, unless that is `kept`.
pub(super) async fn discard(line: &mut Line, job: &mut Job, kept: Option<&Location>) {
    if job.left.is_none() || job.left.as_ref() == kept {
        return;
    }
    if let (Some(Location::Remote(Some(left))), Some(conn)) = (&job.left, line.destination()) {
        conn.remove_at_the_end(left).await;
        job.left = None;
    }
}

/// A file appears under its name when it is whole, and what was interrupted is kept aside (D10).
pub(super) fn keeps_partials(conn: &ControlConn) -> bool {
    conn.features().has_parameter("MLST", "X.partial")
}

/// Gives a whole file its own name.
///
/// Some servers rename onto nothing that is there: then that makes room, and goes when the new
/// one has its name. What was there never goes before.
pub(super) async fn settle(
    conn: &mut ControlConn,
    aside: &Pathname,
    to: &Pathname,
) -> Result<(), Error> {
    let refused = match conn.rename(aside, to).await {
        Err(error) if is_final(&error, "RNTO") => error,
        settled => return settled,
    };
    let mark = conn.environment.world.random.below(u32::MAX);
    let Some(old) = beside(to, |name| names::replaced(name, mark)) else {
        return Err(refused);
    };
    // Who stops now waits until one of the two has the name.
    let interrupt = std::mem::take(&mut conn.environment.interrupt);
    let settled = make_room(conn, (aside, to, &old), refused).await;
    conn.environment.interrupt = interrupt;
    settled
}

async fn make_room(
    conn: &mut ControlConn,
    (aside, to, old): (&Pathname, &Pathname, &Pathname),
    refused: Error,
) -> Result<(), Error> {
    match conn.rename(to, old).await {
        // Nothing is in the way, or it may not be moved: no reason to remove it.
        Err(error) if is_final(&error, "RNFR") || is_final(&error, "RNTO") => return Err(refused),
        renamed => renamed?,
    }
    let Err(error) = conn.rename(aside, to).await else {
        return conn.remove_file(old).await;
    };
    match conn.rename(old, to).await {
        Ok(()) => Err(error),
        Err(_) => Err(Error::Displaced {
            old: old.as_str().to_owned(),
            source: Box::new(error),
        }),
    }
}

fn is_final(error: &Error, at: &str) -> bool {
    matches!(error, Error::Refused { step, reply, .. }
        if *step == at && reply.code().is_permanent_negative())
}

/// Another name in the same directory.
fn beside(path: &Pathname, named: impl Fn(&str) -> String) -> Option<Pathname> {
    let (directory, name) = match path.as_str().rsplit_once('/') {
        Some((directory, name)) => (format!("{directory}/"), name),
        None => (String::new(), path.as_str()),
    };
    Pathname::try_from(format!("{directory}{}", named(name)).as_str()).ok()
}

/// What was verified under another name must now be there under its own.
pub(super) async fn check_settled(
    conn: &mut ControlConn,
    to: &Pathname,
    expected: u64,
) -> Result<(), Error> {
    match conn.size(to).await? {
        Some(found) if found == expected => Ok(()),
        found => Err(Error::Verification {
            server: conn.name().to_owned(),
            expected,
            found: found.unwrap_or(0),
        }),
    }
}

/// Whether a file could not be renamed because it is not there any more: somebody else took it, or
/// removed it.
pub(super) async fn is_gone(line: &mut Line, at: &Location, error: &Error) -> bool {
    match (at, line.destination()) {
        (Location::Remote(Some(path)), Some(conn)) if is_final(error, "RNFR") => {
            matches!(conn.size(path).await, Ok(None))
        }
        _ => false,
    }
}

/// Whether this server does not let a file arrive under another name, or not be renamed.
pub(super) fn refuses_names(error: &Error) -> bool {
    match error {
        Error::Refused {
            step: "RNFR" | "RNTO",
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
    clear_all(copy, line, std::slice::from_mut(job)).await;
}

/// The same for several.
pub(super) async fn clear_all(copy: &Copy, line: Option<&mut Line>, jobs: &mut [Job]) {
    let mut there: Vec<Left> = Vec::new();
    for job in jobs {
        match job.left.take().filter(|_| !copy.options.resume) {
            Some(Location::Local(_)) => {
                if let Some(here) = &job.here {
                    here.remove_partial();
                }
            }
            Some(Location::Remote(Some(path))) => {
                let is_own = job.to == Location::Remote(Some(path.clone()));
                let was = job.was.flatten().filter(|_| is_own);
                there.push(Left { path, was });
            }
            Some(Location::Remote(None)) | None => {}
        }
    }
    if there.is_empty() {
        return;
    }
    let open = line.and_then(Line::destination);
    if let Some(conn) = open.filter(|conn| conn.is_usable()) {
        remove_all(conn, &there).await;
    } else if let Some(mut conn) = called_to_clear(copy).await {
        remove_all(&mut conn, &there).await;
        conn.part().await;
    }
}

/// What may be there half done.
struct Left {
    path: Pathname,
    /// How long the file was that had the name before.
    was: Option<u64>,
}

async fn remove_all(conn: &mut ControlConn, all: &[Left]) {
    let interrupt = std::mem::take(&mut conn.environment.interrupt);
    for left in all {
        if is_untouched(conn, left).await == Some(false) && conn.is_usable() {
            conn.remove_at_the_end(&left.path).await;
        }
    }
    conn.environment.interrupt = interrupt;
}

/// Whether the file has its name since before the copy, and the server has not begun with another;
/// `None` if it does not say so soon.
async fn is_untouched(conn: &mut ControlConn, left: &Left) -> Option<bool> {
    let Some(was) = left.was else {
        return Some(false);
    };
    let environment = conn.environment.clone();
    let limit = environment.limits.abort;
    let found = environment.within(limit, conn.size(&left.path)).await?;
    Some(found.ok()? == Some(was))
}

/// The destination once more, also for somebody who stops, and then does not wait for long.
async fn called_to_clear(copy: &Copy) -> Option<ControlConn> {
    let site = copy.to.as_ref()?;
    if !copy.environment.interrupt.is_tripped() {
        return site.open().await.ok();
    }
    let site = site.past_the_stop();
    let limit = copy.environment.limits.abort;
    copy.environment.within(limit, site.open()).await?.ok()
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

/// One server may have several addresses, and this host may be one: a file of the same size that
/// was there before may be the very file, and `moves` would remove the only one.
pub(super) async fn check_two_files(line: &mut Line, job: &mut Job) -> Result<(), Error> {
    if job.is_other {
        return Ok(());
    }
    let there = look::at(line.destination(), &job.to).await?;
    let (here, there) = (job.file.size, there.map(|there| there.size));
    let is_other = there.is_none_or(|there| here.zip(there).is_some_and(|(a, b)| a != b));
    if !is_other {
        return Err(Error::PerhapsOneFile {
            file: job.name.clone(),
            place: line
                .destination()
                .map_or("this host", |conn| conn.name())
                .to_owned(),
        });
    }
    job.is_other = true;
    Ok(())
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
