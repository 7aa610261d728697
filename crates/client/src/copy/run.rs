//! The whole copy: look, plan, make directories, move files, remove what is too much.

use std::collections::{HashMap, HashSet};

use super::local::Beneath;
use super::others::Others;
use super::plan::{self, Job};
use super::walk::{Entry, Kind, Walked};
use super::worker::{Line, Queue};
use super::{Copy, Failed, Happened, Location, Root, Summary, ahead, look};
use crate::pipeline::{self, Listening};
use crate::{ControlConn, Error, ExitCode};

/// What was found out about all roots.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) directories: Vec<(String, Location, Option<Beneath>)>,
    pub(super) jobs: Vec<Job>,
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
        let mut line = Line::begin(self).await?;
        let mut summary = Summary::default();
        let mut plan = Plan::default();
        let mut others = Others::begin(self, &mut line);
        let looks = Box::pin(self.look_at_all(&mut line, roots, &mut plan, &mut summary));
        others.during(looks).await?;
        if summary.stopped {
            return Ok(summary);
        }
        line.confirm().await?;
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
        if let Some(destination) = line.destination() {
            let directories = plan.directories.iter();
            let to_be_made = directories.map(|(_, at, _)| at).collect();
            self.find_unfinished(destination, &to_be_made, &mut plan.jobs)
                .await?;
        }
        if !line.is_usable() {
            line = Line::open(self).await?;
        }
        if let (Some(pair), true) = (line.pair(), plan.jobs.len() >= ahead::FILES_MIN) {
            // The call is agreed while the directories are made, and the first files are sent.
            let items = ahead::first_items(self, &plan.jobs, pair.destination());
            pipeline::announce_call(pair, &items).await?;
        }
        let jobs = plan.jobs.len();
        self.make_directories(&mut line, &mut plan, &mut summary)
            .await;
        if plan.jobs.len() < jobs {
            // Other files than those go first.
            line.withdraw().await?;
        }
        let (mut summary, line) = Queue::new(plan.jobs, summary, &self.options)
            .run(self, line, others)
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

    /// What all roots hold. What is wrong with one is in the summary.
    async fn look_at_all(
        &self,
        line: &mut Line,
        roots: &[Root],
        plan: &mut Plan,
        summary: &mut Summary,
    ) -> Result<(), Error> {
        for root in roots {
            let is_only = roots.len() == 1;
            let looked = self.look(line, (root, is_only), plan, summary);
            match looked.await {
                Ok(()) => {}
                Err(error) if error.exit_code() == ExitCode::Stopped => {
                    summary.stopped = true;
                    return Ok(());
                }
                Err(error) if !line.is_usable() => return Err(error),
                Err(error) => self.failed(summary, root.from.own_name(), &error),
            }
        }
        Ok(())
    }

    /// What one root holds and what that means.
    async fn look(
        &self,
        line: &mut Line,
        (root, is_only): (&Root, bool),
        plan: &mut Plan,
        summary: &mut Summary,
    ) -> Result<(), Error> {
        let own_name = root.from.own_name();
        let [source, destination] = line.both();
        // Both ends at once; a failure there is told after one here.
        let there = self.note_there(destination, root);
        let (file, there) = tokio::join!(self.at_source(source, root), there);
        let file = file?;
        there?;
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
        let listening = match self.options.dry_run || !is_only {
            true => None,
            false => line.pair().and_then(Listening::at_destination),
        };
        let [source, destination] = line.both();
        let below = look::below(source, &root.from, &self.options.filter);
        // Both ends at once: a listing that fails there is told after one that fails here.
        let there = self.there(destination, root, listening);
        let (walked, there) = tokio::join!(below, there);
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

    async fn at_source(&self, conn: Option<&mut ControlConn>, root: &Root) -> Result<Entry, Error> {
        let noted = self.from.as_ref().and_then(|site| site.noted(&root.from));
        let found = match (noted, conn) {
            (Some(found), _) => found,
            (None, Some(conn)) => {
                look::before_listing(conn, &root.from, self.options.recursive).await?
            }
            (None, None) => look::at(None, &root.from).await?,
        };
        found.ok_or_else(|| self.missing(root))
    }

    /// What is at the destination of a tree, for [`Copy::there`].
    async fn note_there(&self, conn: Option<&mut ControlConn>, root: &Root) -> Result<(), Error> {
        let Some((conn, site)) = conn.zip(self.to.as_ref()) else {
            return Ok(());
        };
        if self.options.recursive && !site.has_noted(&root.to) {
            site.note(&root.to, look::at(Some(conn), &root.to).await?);
        }
        Ok(())
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
        listening: Option<Listening>,
    ) -> Result<Option<HashMap<String, Entry>>, Error> {
        let noted = self.to.as_ref().and_then(|site| site.noted(&root.to));
        let found = match noted {
            Some(found) => found,
            None => look::at(conn.as_deref_mut(), &root.to).await?,
        };
        if found.is_none_or(|found| found.kind != Kind::Directory) {
            // Nothing is listed here, so it can be agreed where files will come.
            if let (Some(listening), Some(conn)) = (listening, conn) {
                listening.announce(conn).await?;
            }
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

    pub(super) fn failed(&self, summary: &mut Summary, name: String, error: &Error) {
        let failed = Failed {
            name,
            message: error.to_string(),
            code: error.exit_code(),
        };
        self.watcher.happened(&Happened::Failed(&failed));
        summary.failures.push(failed);
    }
}
