//! What earlier copies set aside at a server that keeps nothing half done itself: for `--continue`.

use std::collections::{BTreeMap, HashMap, HashSet};

use thirdhost_wire::Pathname;

use super::plan::{self, Job};
use super::walk::{self, Entry, Kind};
use super::worker::is_stop;
use super::{Copy, Happened, Location, names, upload};
use crate::{ControlConn, Error};

impl Copy {
    /// Tells each file what there is of it at the destination, and removes what is of no use.
    ///
    /// Every directory with files to come is listed once, but for those that are still to be made.
    /// The connection may break over that; then nothing more is looked for.
    pub(super) async fn find_unfinished(
        &self,
        conn: &mut ControlConn,
        to_be_made: &HashSet<&Location>,
        jobs: &mut [Job],
    ) -> Result<(), Error> {
        if !self.options.resume || !upload::may_rename(self) || upload::keeps_partials(conn) {
            return Ok(());
        }
        for (directory, mut files) in by_directory(jobs) {
            let directory = directory.and_then(|path| Pathname::try_from(path.as_str()).ok());
            if to_be_made.contains(&Location::Remote(directory.clone())) {
                continue;
            }
            let listing = match conn.list_all(directory.as_ref()).await {
                Ok(listing) => listing,
                // It is not there, or may not be listed: each file begins anew.
                Err(Error::Refused { .. }) => continue,
                Err(error) if is_stop(&error) => return Err(error),
                // No reason not to copy: a user may be let through to no data connection.
                Err(error) => {
                    let note = format!("what earlier runs left is not looked for: {error}");
                    self.watcher.happened(&Happened::Note(&note));
                    return Ok(());
                }
            };
            let (entries, _) = walk::entries(listing);
            let there = Location::Remote(directory);
            for useless in self.hand_out(&there, entries, &mut files) {
                if self.environment.interrupt.is_tripped() {
                    return Err(conn.stop_wanted());
                }
                conn.remove_at_the_end(&useless).await;
            }
        }
        Ok(())
    }

    /// Gives each file the longest of its beginnings; what is left over is of no use.
    fn hand_out(
        &self,
        directory: &Location,
        entries: Vec<Entry>,
        files: &mut HashMap<String, &mut Job>,
    ) -> Vec<Pathname> {
        let mut found: Vec<Entry> = entries
            .into_iter()
            .filter(|entry| entry.kind == Kind::File && names::refused(&entry.path).is_none())
            .collect();
        found.sort_by_key(|entry| std::cmp::Reverse(entry.size));
        let mut useless = Vec::new();
        for entry in found {
            let stem = names::stem_of(&entry.path);
            let Some(job) = stem.and_then(|stem| files.get_mut(stem)) else {
                continue;
            };
            let Ok(Location::Remote(Some(path))) = directory.below(&entry.path) else {
                continue;
            };
            let is_wanted = job.left.is_none()
                && plan::reason_to_skip(&self.options, job).is_none()
                && entry.size.is_some_and(|size| size > 0)
                && entry.size <= job.file.size;
            match is_wanted {
                true => job.left = Some(Location::Remote(Some(path))),
                false => useless.push(path),
            }
        }
        useless
    }
}

/// The files by the directory they go to, none for that of the login, and there by their stems.
fn by_directory(jobs: &mut [Job]) -> BTreeMap<Option<String>, HashMap<String, &mut Job>> {
    let mut by_directory: BTreeMap<_, HashMap<_, _>> = BTreeMap::new();
    for job in jobs {
        let Location::Remote(Some(to)) = &job.to else {
            continue;
        };
        let (directory, name) = match to.as_str().rsplit_once('/') {
            Some(("", name)) => (Some("/".to_owned()), name),
            Some((directory, name)) => (Some(directory.to_owned()), name),
            None => (None, to.as_str()),
        };
        let stem = names::stem(name);
        by_directory.entry(directory).or_default().insert(stem, job);
    }
    by_directory
}
