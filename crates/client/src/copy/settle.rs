//! A whole file gets its own name. At servers that rename onto nothing, what has it makes room.

use std::future::Future;

use thirdhost_wire::Pathname;

use super::plan::Job;
use super::upload::beside;
use super::{Copy, Happened, Location, look, names};
use crate::{ControlConn, Error};

/// The file that had the name before, under another one.
#[derive(Clone, Debug)]
pub(super) struct Old {
    pub(super) at: Pathname,
    /// The new file has the name.
    is_replaced: bool,
}

/// Gives a whole file its own name.
///
/// Some servers rename onto nothing that is there: then that makes room, and goes when the new
/// one has its name. What was there never goes before.
pub(super) async fn settle(
    copy: &Copy,
    conn: &mut ControlConn,
    job: &mut Job,
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
    let settled = make_room(copy, conn, job, (aside, to, old), refused);
    let settled = soon(copy, settled).await;
    conn.environment.interrupt = interrupt;
    settled.unwrap_or_else(|| Err(conn.stopped()))
}

async fn make_room(
    copy: &Copy,
    conn: &mut ControlConn,
    job: &mut Job,
    (aside, to, at): (&Pathname, &Pathname, Pathname),
    refused: Error,
) -> Result<(), Error> {
    if !is_file(conn, to).await? {
        return Err(refused);
    }
    // Also where no reply comes: it may be carried out all the same.
    let old = job.old.insert(Old {
        at,
        is_replaced: false,
    });
    match conn.rename(to, &old.at).await {
        Ok(()) => {}
        // Nothing is in the way, or it may not be moved: no reason to remove it.
        Err(error @ Error::Refused { .. }) => {
            job.old = None;
            let is_final = is_final(&error, "RNFR") || is_final(&error, "RNTO");
            return Err(if is_final { refused } else { error });
        }
        Err(error) => return Err(told(job, error)),
    }
    let Err(error) = conn.rename(aside, to).await else {
        return remove(copy, conn, job).await;
    };
    if conn.rename(&old.at, to).await.is_ok() {
        job.old = None;
    }
    Err(told(job, error))
}

/// Gives the old file its name back where an attempt broke between the two names, or removes it
/// where the new one has the name. As long as it is not known which of the two, neither goes.
pub(super) async fn put_back(
    copy: &Copy,
    conn: &mut ControlConn,
    job: &mut Job,
) -> Result<(), Error> {
    let (Some(old), Location::Remote(Some(to))) = (job.old.clone(), job.to.clone()) else {
        return Ok(());
    };
    if !old.is_replaced {
        match conn.rename(&old.at, &to).await {
            Ok(()) => {
                job.old = None;
                return Ok(());
            }
            Err(Error::Refused { step, reply, .. })
                if step == "RNFR" && reply.code().number() == look::NOT_THERE =>
            {
                // It never went.
                job.old = None;
                return Ok(());
            }
            Err(error) if is_final(&error, "RNTO") && has_its_name(conn, job, &to).await? => {}
            Err(error) => return Err(told(job, error)),
        }
    }
    remove(copy, conn, job).await
}

/// The same at the end, though the person stops; then it is not waited for long.
pub(super) async fn put_back_at_the_end(copy: &Copy, conn: &mut ControlConn, job: &mut Job) {
    if soon(copy, put_back(copy, conn, job)).await.is_none() {
        conn.abandon();
    }
}

/// The same failure, with the name of the old file, where that may have no other.
pub(super) fn told(job: &Job, error: Error) -> Error {
    match &job.old {
        Some(old) if !matches!(error, Error::Displaced { .. }) => Error::Displaced {
            old: old.at.as_str().to_owned(),
            source: Box::new(error),
        },
        _ => error,
    }
}

/// Whether the new file was renamed, though no reply said so.
async fn has_its_name(conn: &mut ControlConn, job: &Job, to: &Pathname) -> Result<bool, Error> {
    let Some(Location::Remote(Some(aside))) = &job.left else {
        return Ok(false);
    };
    let is_gone = look::length(conn, aside).await? == look::Length::Nothing;
    let wanted = job.file.size.map(look::Length::Octets);
    Ok(is_gone && wanted == Some(look::length(conn, to).await?))
}

/// Removes the old file; the new one has the name, whatever the server says to this.
async fn remove(copy: &Copy, conn: &mut ControlConn, job: &mut Job) -> Result<(), Error> {
    let Some(old) = &mut job.old else {
        return Ok(());
    };
    let was_told = std::mem::replace(&mut old.is_replaced, true);
    let at = old.at.clone();
    match conn.remove_file(&at).await {
        Ok(()) => {}
        Err(error @ Error::Refused { .. }) => {
            // One that was not answered may have been carried out.
            if !was_told || look::length(conn, &at).await? != look::Length::Nothing {
                let note = format!(
                    "{}: what was there before stays as {at} ({error})",
                    job.name
                );
                copy.watcher.happened(&Happened::Note(&note));
            }
        }
        Err(error) => return Err(told(job, error)),
    }
    job.old = None;
    Ok(())
}

/// Whether a file has the name: a directory makes room for none.
async fn is_file(conn: &mut ControlConn, at: &Pathname) -> Result<bool, Error> {
    Ok(match look::length(conn, at).await? {
        look::Length::Octets(_) => true,
        look::Length::Nothing => false,
        look::Length::Unknown => !look::is_directory(conn, at).await?,
    })
}

/// Waits to the end, but not for long once the person stops; `None` if that is over.
async fn soon<F: Future>(copy: &Copy, future: F) -> Option<F::Output> {
    let environment = &copy.environment;
    let overdue = async {
        environment.interrupt.tripped().await;
        environment
            .world
            .clock
            .sleep(environment.limits.abort)
            .await;
    };
    tokio::select! {
        biased;
        output = future => Some(output),
        () = overdue => None,
    }
}

pub(super) fn is_final(error: &Error, at: &str) -> bool {
    matches!(error, Error::Refused { step, reply, .. }
        if *step == at && reply.code().is_permanent_negative())
}
