//! The directories that files need, made ahead of them.

use super::local::Beneath;
use super::run::Plan;
use super::walk::{self, Kind};
use super::worker::Line;
use super::{Copy, Happened, Location, Summary, look};
use crate::{ControlConn, Error, Pathname, pipeline};

impl Copy {
    /// Ahead of the files. What lies below a directory that cannot be made fails with it.
    pub(super) async fn make_directories(
        &self,
        line: &mut Line,
        plan: &mut Plan,
        summary: &mut Summary,
    ) {
        let mut failed: Vec<Location> = Vec::new();
        let mut made = made_ahead(line.destination(), &plan.directories)
            .await
            .into_iter();
        for (name, at, here) in std::mem::take(&mut plan.directories) {
            let made = made.next();
            if failed.iter().any(|above| is_below(&at, above)) {
                continue;
            }
            let mut above = Vec::new();
            let made = match made {
                Some(Ok(())) => Ok(()),
                // What refused it may be the directory itself, made by somebody meanwhile.
                Some(Err(_)) | None => {
                    // A server that refuses one says it of all: what is above is looked at once.
                    let above = failed.is_empty().then_some(&mut above);
                    make(line.destination(), (&at, here.as_ref()), above).await
                }
            };
            for name in above.iter().map(Pathname::as_str) {
                summary.directories += 1;
                self.watcher.happened(&Happened::Directory { name });
            }
            match made {
                Ok(()) => {
                    summary.directories += 1;
                    self.watcher.happened(&Happened::Directory { name: &name });
                }
                Err(error) => {
                    self.failed(summary, name, &error);
                    failed.push(at);
                }
            }
        }
        let before = plan.jobs.len();
        plan.jobs
            .retain(|job| !failed.iter().any(|above| is_below(&job.to, above)));
        let lost = before - plan.jobs.len();
        if lost > 0 {
            let note = format!("{lost} files are left out with the directories that failed");
            self.watcher.happened(&Happened::Note(&note));
        }
    }
}

/// What came of each, where the server takes commands ahead; nothing where it does not.
async fn made_ahead(
    conn: Option<&mut ControlConn>,
    directories: &[(String, Location, Option<Beneath>)],
) -> Vec<Result<(), Error>> {
    let remote = |(_, at, _): &(String, Location, Option<Beneath>)| match at {
        Location::Remote(path) => path.clone(),
        Location::Local(_) => None,
    };
    let paths: Option<Vec<Pathname>> = directories.iter().map(remote).collect();
    let (Some(conn), Some(paths)) = (conn, paths) else {
        return Vec::new();
    };
    let known = conn.product().takes_commands_ahead();
    let Some(depth) = pipeline::depth(conn).or(known.then_some(AHEAD_OF_OTHERS)) else {
        return Vec::new();
    };
    // A connection that broke fails for each of them again.
    pipeline::make_directories(conn, depth, &paths)
        .await
        .unwrap_or_default()
}

/// Where `above` is told, what is above it is made too if it is missing, and written there.
async fn make(
    conn: Option<&mut ControlConn>,
    (at, here): (&Location, Option<&Beneath>),
    above: Option<&mut Vec<Pathname>>,
) -> Result<(), Error> {
    match (at, conn, here) {
        (Location::Remote(Some(path)), Some(conn), _) => match conn.make_directory(path).await {
            Err(refused @ Error::Refused { .. }) => {
                // It may be there, though a listing does not show it.
                let found = look::at(Some(&mut *conn), at).await?;
                let is_there = found.is_some_and(|entry| entry.kind == Kind::Directory);
                match above {
                    _ if is_there => Ok(()),
                    Some(made) => make_with_above(conn, path, refused, made).await,
                    None => Err(refused),
                }
            }
            made => made,
        },
        (Location::Local(_), _, Some(here)) => here.make_directory(),
        // The root itself, which may lie where the person likes.
        (Location::Local(path), _, None) => {
            std::fs::create_dir_all(path).map_err(|source| Error::Local {
                what: "make",
                path: path.clone(),
                source,
            })
        }
        _ => Ok(()),
    }
}

/// Makes those above it that are missing, which are `made` then, and then what was `refused`.
async fn make_with_above(
    conn: &mut ControlConn,
    path: &Pathname,
    refused: Error,
    made: &mut Vec<Pathname>,
) -> Result<(), Error> {
    let mut missing = Vec::new();
    let mut next = parent(path);
    while let Some(above) = next {
        let at = Location::Remote(Some(above.clone()));
        if look::at(Some(&mut *conn), &at).await?.is_some() {
            break;
        }
        next = parent(&above);
        missing.push(above);
    }
    if missing.is_empty() {
        return Err(refused);
    }
    let mut is_missing = false;
    for above in missing.into_iter().rev() {
        match conn.make_directory(&above).await {
            Ok(()) => made.push(above),
            // An empty directory may not show.
            Err(Error::Refused { .. }) => is_missing |= !is_listed(conn, &above).await?,
            Err(error) => return Err(error),
        }
    }
    conn.make_directory(path)
        .await
        .map_err(|error| match error {
            Error::Refused {
                server,
                step,
                reply,
                ..
            } if is_missing => Error::Refused {
                server,
                step,
                reply,
                hint: "; what is above it is missing and cannot be made; make that first",
            },
            error => error,
        })
}

/// Whether the directory above names it.
async fn is_listed(conn: &mut ControlConn, path: &Pathname) -> Result<bool, Error> {
    let root = || path.as_str().starts_with('/').then(|| "/".try_into().ok());
    let above = parent(path).or_else(|| root().flatten());
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    match conn.list(above.as_ref()).await {
        Ok(listing) => Ok(walk::entries(listing)
            .0
            .iter()
            .any(|entry| entry.path == name)),
        Err(Error::Refused { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn parent(path: &Pathname) -> Option<Pathname> {
    let (above, _) = path.as_str().rsplit_once('/')?;
    Pathname::try_from(above).ok()
}

fn is_below(location: &Location, above: &Location) -> bool {
    match (location, above) {
        (Location::Local(path), Location::Local(above)) => path.starts_with(above),
        (Location::Remote(Some(path)), Location::Remote(Some(above))) => path
            .as_str()
            .strip_prefix(above.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        _ => false,
    }
}

/// Commands under way at a server that tells no number: their lines fit into one segment.
const AHEAD_OF_OTHERS: usize = 16;
