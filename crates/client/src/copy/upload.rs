//! Under which name a file arrives at a server: aside, renamed when whole, where that is allowed.

use thirdhost_proto::third_party::{Cause, Side};
use thirdhost_wire::{Pathname, Reply};

use super::look::Length;
use super::plan::Job;
use super::settle::{self, is_final};
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

/// Another name in the same directory.
pub(super) fn beside(path: &Pathname, named: impl Fn(&str) -> String) -> Option<Pathname> {
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
            matches!(look::length(conn, path).await, Ok(Length::Nothing))
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

/// The same for several; the old file of each has its name again before anything is removed.
pub(super) async fn clear_all(copy: &Copy, line: Option<&mut Line>, jobs: &mut [Job]) {
    for job in &mut *jobs {
        if let (Some(Location::Local(_)), Some(here), false) =
            (&job.left, &job.here, copy.options.resume)
        {
            here.remove_partial();
            job.left = None;
        }
    }
    let is_there = |job: &Job| {
        let is_left = matches!(job.left, Some(Location::Remote(Some(_))));
        job.old.is_some() || is_left && !copy.options.resume
    };
    if !jobs.iter().any(is_there) {
        return;
    }
    let open = line.and_then(Line::destination);
    if let Some(conn) = open.filter(|conn| conn.is_usable()) {
        clear_there(copy, conn, jobs).await;
    } else if let Some(mut conn) = called_to_clear(copy).await {
        clear_there(copy, &mut conn, jobs).await;
        conn.part().await;
    }
}

async fn clear_there(copy: &Copy, conn: &mut ControlConn, jobs: &mut [Job]) {
    let interrupt = std::mem::take(&mut conn.environment.interrupt);
    for job in jobs {
        settle::put_back_at_the_end(copy, conn, job).await;
        // Where the old file stays away, the new one may be the only one that is at hand.
        if job.old.is_some() || copy.options.resume {
            continue;
        }
        let Some(Location::Remote(Some(path))) = job.left.take() else {
            continue;
        };
        let is_own = job.to == Location::Remote(Some(path.clone()));
        let may_go = !is_own || is_replaced(conn, job.was, &path).await;
        if may_go && conn.is_usable() {
            conn.remove_at_the_end(&path).await;
        }
    }
    conn.environment.interrupt = interrupt;
}

/// Whether what has the name is not what had it before the copy: the server has begun with it. Not
/// if it does not say so soon.
async fn is_replaced(conn: &mut ControlConn, was: Option<Length>, path: &Pathname) -> bool {
    let was = match was {
        Some(Length::Nothing) => return true,
        Some(Length::Octets(was)) => was,
        Some(Length::Unknown) | None => return false,
    };
    let environment = conn.environment.clone();
    let asked = look::length(conn, path);
    let found = environment.within(environment.limits.abort, asked).await;
    matches!(found, Some(Ok(Length::Octets(now))) if now != was)
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
