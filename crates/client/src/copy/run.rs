//! The whole copy: look, plan, make directories, move files, remove what is too much.

use std::collections::{HashMap, HashSet};

use super::local::Beneath;
use super::plan::{self, Job};
use super::walk::{Entry, Kind, Walked};
use super::worker::{Line, Queue};
use super::{Copy, Failed, Happened, Location, Root, Summary, look};
use crate::{ControlConn, Error, ExitCode, Pathname, pipeline};

/// What was found out about all roots.
#[derive(Default)]
struct Plan {
    directories: Vec<(String, Location, Option<Beneath>)>,
    jobs: Vec<Job>,
    surplus: Vec<(Entry, Location, Option<Beneath>)>,
    /// Something at the source was not seen, so nothing may pass for removed there.
    is_blind: bool,
}

impl Copy {
    /// Copies every root with all below.
    ///
    /// What fails does not stop the rest; it is in the summary.
    ///
    /// # Errors
    /// When nothing can be done at all: a server cannot be reached or does not let in.
    ///
    /// # Cancel safety
    /// Not cancel safe; trip the environment's interrupt to end it in good order.
    pub async fn run(&self, roots: &[Root]) -> Result<Summary, Error> {
        let mut line = Line::open(self).await?;
        let mut summary = Summary::default();
        let mut plan = Plan::default();
        for root in roots {
            match self.look(&mut line, root, &mut plan, &mut summary).await {
                Ok(()) => {}
                Err(error) if error.exit_code() == ExitCode::Stopped => {
                    summary.stopped = true;
                    return Ok(summary);
                }
                Err(error) if !line.is_usable() => return Err(error),
                Err(error) => self.failed(&mut summary, root.from.own_name(), &error),
            }
        }
        if let Some(source) = line.source() {
            // Announced for what then was no directory after all.
            pipeline::withdraw_listing(source).await?;
        }
        let is_wanted = |job: &&Job| plan::reason_to_skip(&self.options, job).is_none();
        let sizes = plan.jobs.iter().filter(is_wanted);
        self.watcher.happened(&Happened::Planned {
            files: sizes.clone().count(),
            bytes: sizes.filter_map(|job| job.file.size).sum(),
        });
        if self.options.dry_run {
            self.tell(plan, &mut summary);
            line.quit().await;
            return Ok(summary);
        }
        self.make_directories(&mut line, &mut plan, &mut summary)
            .await;
        let (mut summary, line) = Queue::new(plan.jobs, summary, &self.options)
            .run(self, line)
            .await;
        if summary.stopped {
            return Ok(summary);
        }
        let mut line = match line {
            Some(line) => line,
            None if plan.surplus.is_empty() => return Ok(summary),
            None => Line::open(self).await?,
        };
        if !plan.surplus.is_empty() && (plan.is_blind || !summary.failures.is_empty()) {
            let note = "nothing is removed, because not everything was seen and copied";
            self.watcher.happened(&Happened::Note(note));
        } else {
            for (entry, at, here) in plan.surplus {
                let at = (&at, here.as_ref());
                self.remove(&mut line, &entry, at, &mut summary).await;
            }
        }
        line.quit().await;
        Ok(summary)
    }

    /// What one root holds and what that means.
    async fn look(
        &self,
        line: &mut Line,
        root: &Root,
        plan: &mut Plan,
        summary: &mut Summary,
    ) -> Result<(), Error> {
        let own_name = root.from.own_name();
        let file = self.at_source(line, root).await?;
        if file.kind != Kind::Directory {
            let there = match plan::needs_there(&self.options) {
                true => look::at(line.destination(), &root.to).await?,
                false => None,
            };
            let ends = (root.from.clone(), root.to.clone());
            plan.jobs.push(Job {
                there,
                ..Job::new(own_name, ends, &root.to, file)
            });
            return Ok(());
        }
        if !self.options.recursive {
            self.no_file(own_name, summary);
            return Ok(());
        }
        let [source, destination] = line.both();
        let below = look::below(source, &root.from, &self.options.filter);
        // Both ends at once: a listing that fails there is told after one that fails here.
        let (walked, there) = tokio::join!(below, self.there(destination, root));
        let (walked, there) = (walked?, there?);
        plan.is_blind |= !walked.problems.is_empty();
        self.problems(&walked, summary);
        let seen: HashSet<String> = walked.entries.iter().map(|e| e.path.clone()).collect();
        let ends = (&root.from, &root.to);
        let (directories, jobs) = plan::tree(
            ends,
            walked.entries,
            there.as_ref().unwrap_or(&HashMap::new()),
            &self.options,
        )?;
        if there.is_none() && root.to != Location::Remote(None) {
            let name = root.to.own_name();
            plan.directories.push((name, root.to.clone(), None));
        }
        let there = there.unwrap_or_default();
        for path in directories {
            if !there
                .get(&path)
                .is_some_and(|entry| entry.kind == Kind::Directory)
            {
                let at = root.to.below(&path)?;
                let here = plan::beneath(&root.to, &at);
                plan.directories.push((path, at, here));
            }
        }
        plan.jobs.extend(jobs);
        if self.options.delete {
            for entry in plan::surplus(&seen, &there, &self.options) {
                let at = root.to.below(&entry.path)?;
                let here = plan::beneath(&root.to, &at);
                plan.surplus.push((entry, at, here));
            }
        }
        Ok(())
    }

    async fn at_source(&self, line: &mut Line, root: &Root) -> Result<Entry, Error> {
        let noted = self.from.as_ref().and_then(|site| site.noted(&root.from));
        let found = match noted {
            Some(found) => found,
            None => look::at(line.source(), &root.from).await?,
        };
        found.ok_or_else(|| self.missing(root))
    }

    /// A directory where only files are copied.
    fn no_file(&self, name: String, summary: &mut Summary) {
        let failed = Failed {
            name,
            message: match self.options.moves {
                true => "it is a directory; between two servers, cp -r and then rm",
                false => "it is a directory; add -r to copy it with all below",
            }
            .to_owned(),
            code: ExitCode::Usage,
        };
        self.watcher.happened(&Happened::Failed(&failed));
        summary.failures.push(failed);
    }

    /// What is at the destination, if that matters; `None` if no directory is there.
    async fn there(
        &self,
        mut conn: Option<&mut ControlConn>,
        root: &Root,
    ) -> Result<Option<HashMap<String, Entry>>, Error> {
        let noted = self.to.as_ref().and_then(|site| site.noted(&root.to));
        let found = match noted {
            Some(found) => found,
            None => look::at(conn.as_deref_mut(), &root.to).await?,
        };
        if found.is_none_or(|found| found.kind != Kind::Directory) {
            return Ok(None);
        }
        // Excluded directories are not entered, so what is in them is never surplus.
        let filter = &self.options.filter;
        let Walked { entries, .. } = look::below(conn, &root.to, filter).await?;
        let by_path = |entry: Entry| (entry.path.clone(), entry);
        Ok(Some(entries.into_iter().map(by_path).collect()))
    }

    fn missing(&self, root: &Root) -> Error {
        let path = match &root.from {
            Location::Local(path) => path.clone(),
            Location::Remote(path) => {
                let path = path.as_ref().map_or("", |path| path.as_str());
                let site = self.from.as_ref().map_or("", |site| site.name());
                format!("{path} at {site}").into()
            }
        };
        Error::Local {
            what: "find",
            path,
            source: std::io::Error::new(
                std::io::ErrorKind::NotFound,
                "nothing of that name is there",
            ),
        }
    }

    fn problems(&self, walked: &Walked, summary: &mut Summary) {
        for (name, reason) in &walked.problems {
            let failed = Failed {
                name: name.clone(),
                message: reason.clone(),
                code: ExitCode::Refused,
            };
            self.watcher.happened(&Happened::Failed(&failed));
            summary.failures.push(failed);
        }
        for entry in &walked.entries {
            let reason = match entry.kind {
                Kind::Other => "it is no file and no directory",
                Kind::Partial => "it is what an interrupted copy left",
                Kind::File | Kind::Directory => continue,
            };
            let name = &entry.path;
            self.watcher.happened(&Happened::Skipped { name, reason });
        }
    }

    /// `--dry-run`: what would be done.
    fn tell(&self, plan: Plan, summary: &mut Summary) {
        for (name, _, _) in &plan.directories {
            summary.directories += 1;
            self.watcher.happened(&Happened::Directory { name });
        }
        for job in &plan.jobs {
            let name = job.name.as_str();
            if let Some(reason) = plan::reason_to_skip(&self.options, job) {
                summary.skipped += 1;
                self.watcher.happened(&Happened::Skipped { name, reason });
                continue;
            }
            summary.copied += 1;
            let bytes = job.file.size;
            self.watcher.happened(&Happened::WouldCopy { name, bytes });
        }
        for (entry, _, _) in &plan.surplus {
            summary.deleted += 1;
            self.watcher
                .happened(&Happened::Deleted { name: &entry.path });
        }
    }

    /// Ahead of the files. What lies below a directory that cannot be made fails with it.
    async fn make_directories(&self, line: &mut Line, plan: &mut Plan, summary: &mut Summary) {
        let mut failed: Vec<Location> = Vec::new();
        let mut made = made_ahead(line.destination(), &plan.directories)
            .await
            .into_iter();
        for (name, at, here) in std::mem::take(&mut plan.directories) {
            let made = made.next();
            if failed.iter().any(|above| is_below(&at, above)) {
                continue;
            }
            let made = match made {
                Some(Ok(())) => Ok(()),
                // What refused it may be the directory itself, made by somebody meanwhile.
                Some(Err(_)) | None => make(line.destination(), &at, here.as_ref()).await,
            };
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

    async fn remove(
        &self,
        line: &mut Line,
        entry: &Entry,
        (at, here): (&Location, Option<&Beneath>),
        summary: &mut Summary,
    ) {
        let is_directory = entry.kind == Kind::Directory;
        let result = match (at, line.destination()) {
            (Location::Remote(Some(path)), Some(conn)) if is_directory => {
                conn.remove_directory(path).await
            }
            (Location::Remote(Some(path)), Some(conn)) => conn.remove_file(path).await,
            (Location::Local(_), _) => here.map_or(Ok(()), |here| here.remove(is_directory)),
            _ => Ok(()),
        };
        match result {
            Ok(()) => {
                summary.deleted += 1;
                self.watcher
                    .happened(&Happened::Deleted { name: &entry.path });
            }
            Err(error) => self.failed(summary, entry.path.clone(), &error),
        }
    }

    fn failed(&self, summary: &mut Summary, name: String, error: &Error) {
        let failed = Failed {
            name,
            message: error.to_string(),
            code: error.exit_code(),
        };
        self.watcher.happened(&Happened::Failed(&failed));
        summary.failures.push(failed);
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
    let Some(depth) = pipeline::depth(conn) else {
        return Vec::new();
    };
    // A connection that broke fails for each of them again.
    pipeline::make_directories(conn, depth, &paths)
        .await
        .unwrap_or_default()
}

async fn make(
    conn: Option<&mut ControlConn>,
    at: &Location,
    here: Option<&Beneath>,
) -> Result<(), Error> {
    match (at, conn, here) {
        (Location::Remote(Some(path)), Some(conn), _) => match conn.make_directory(path).await {
            Err(refused @ Error::Refused { .. }) => {
                // It may be there, though a listing does not show it.
                let found = look::at(Some(conn), at).await?;
                let is_there = found.is_some_and(|entry| entry.kind == Kind::Directory);
                if is_there { Ok(()) } else { Err(refused) }
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
