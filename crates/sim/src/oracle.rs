//! The oracle: what must be true while everything happens, when it is over, and at rest.

use std::time::Duration;

use thirdhost_client::{Arrangement, ExitCode, Via};
use thirdhost_server::store::Store;
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use crate::judge::{read, virtual_path};
use crate::run::{Stage, USER_HOST};
use crate::site::HOME;
use crate::user::Said;
use crate::workload::{Task, Wanted, Workload};

impl Stage {
    /// I1 and I8: what was said to be done is done, and the rest is as it was or done.
    pub(crate) async fn compare(&self, said: &Said, when: &str) {
        let Workload { task, files, .. } = &self.workload;
        let all_done = said.code == ExitCode::Done;
        for file in files {
            let found = self.found(file).await;
            let whole = file.whole(*task);
            let name = file.path.rsplit_once("tree/").map_or("", |(_, name)| name);
            let is_done = all_done || said.done.iter().any(|done| done == name);
            let path = &file.path;
            let is_there = found.as_ref() == Some(&*whole);
            if is_done && !is_there {
                let found = found.map(|found| found.len());
                self.trace.broken(format_args!(
                    "I1, I8: {path} was said to be done by {when}; it has {found:?} bytes, not {}",
                    whole.len()
                ));
            } else if !is_there
                && found.as_ref() != file.old.as_deref()
                && !(*task == Task::Append && grows(file, &found))
            {
                let found = found.map(|found| found.len());
                self.trace.broken(format_args!(
                    "I2: after {when} {path} has {found:?} bytes: neither the old nor the new file"
                ));
            }
        }
    }

    /// What is at the destination.
    async fn found(&self, file: &Wanted) -> Option<Vec<u8>> {
        let home = virtual_path(&format!("/{HOME}")).ok()?;
        let files = self.destination.disk.files().home(&home).ok()?;
        read(&files, &file.path).await.ok()
    }

    async fn is_done(&self) -> bool {
        for file in &self.workload.files {
            if self.found(file).await.as_ref() != Some(&*file.whole(self.workload.task)) {
                return false;
            }
        }
        true
    }

    /// I7: the same again, until all is there; soon.
    pub(crate) async fn converge(&self, mut code: Option<ExitCode>) {
        for _ in 0..RETRIES_MAX {
            let is_appended = self.workload.task == Task::Append && self.is_done().await;
            if code == Some(ExitCode::Done) || is_appended {
                return;
            }
            // Whatever the broken run has left at the servers may hold the file for a while.
            sleep(BETWEEN_RETRIES).await;
            self.mend();
            // It may also have been finished by the servers, whom nobody told to stop.
            if self.workload.task == Task::Append && self.is_done().await {
                return;
            }
            let running = tokio::spawn(self.program(self.workload.resumes_later).run());
            let Ok(ended) = timeout(self.limit(), running).await else {
                let limit = self.limit();
                return self
                    .trace
                    .broken(format_args!("I5: a retry still runs after {limit:?}"));
            };
            let Ok(said) = ended else {
                return;
            };
            if said.code == ExitCode::NothingToDo && self.is_done().await {
                return;
            }
            if self.is_impossible(said.code) {
                return;
            }
            self.compare(&said, "a retry").await;
            code = Some(said.code);
        }
        if code != Some(ExitCode::Done) {
            self.trace.broken(format_args!(
                "I7: {RETRIES_MAX} retries of a whole world end with {code:?}"
            ));
        }
    }

    /// Whether the user asked for something that these two servers never do.
    fn is_impossible(&self, code: ExitCode) -> bool {
        let policy = &self.workload.policy;
        let is_classic = matches!(policy.via, Via::Only(Arrangement::Pasv | Arrangement::Epsv));
        code == ExitCode::ThirdPartyRefused && is_classic
    }

    /// I3: everything is given back.
    pub(crate) async fn at_rest(&self, tasks: usize) {
        sleep(REST).await;
        self.mend();
        for site in [&self.source, &self.destination] {
            let name = site.name;
            let holds = site.holds();
            if holds != Some((0, 0)) {
                self.trace.broken(format_args!(
                    "I3: {name} has {holds:?} sessions and ports at rest"
                ));
            }
            let sockets = self.net.sockets_of(site.host);
            if sockets != (0, 1, 0) {
                self.trace.broken(format_args!(
                    "I3: {name} has {sockets:?} connections, listeners and held ports at rest"
                ));
            }
        }
        let sockets = self.net.sockets_of(USER_HOST);
        if sockets != (0, 0, 0) {
            self.trace
                .broken(format_args!("I3: the user has {sockets:?} sockets at rest"));
        }
        let now = Handle::current().metrics().num_alive_tasks();
        if now != tasks {
            self.trace
                .broken(format_args!("I3: {now} tasks at rest, {tasks} before"));
        }
        self.no_temporaries().await;
    }

    /// What uploads left that were still under way, with nobody behind them, when another brought
    /// the same file, or that failed when it was there already: it is swept later
    /// (`partial_hours`).
    async fn kept_for_later(&self) -> usize {
        let Ok(home) = virtual_path(&format!("/{HOME}")) else {
            return 0;
        };
        let mut kept = 0;
        for path in self.destination.disk.may_have_partials() {
            if let (Ok(files), Ok(path)) = (
                self.destination.disk.files().home(&home),
                virtual_path(&path),
            ) && let Ok(Some(partial)) = files.partial(&path).await
            {
                kept += usize::try_from(partial.bytes).unwrap_or(0);
            }
        }
        kept
    }

    /// When all is done, nothing is left beside the files.
    async fn no_temporaries(&self) {
        if !self.is_done().await {
            return;
        }
        let whole = |file: &Wanted| file.whole(self.workload.task).len();
        let expected: usize = self.workload.files.iter().map(whole).sum();
        let expected = expected + self.kept_for_later().await;
        match self.destination.disk.files().usage().await {
            Ok(found) if usize::try_from(found) == Ok(expected) => {}
            found => self.trace.broken(format_args!(
                "I3: {found:?} bytes at the destination, {expected} in its files"
            )),
        }
    }
}

/// Whether an append that is under way has come so far; readers may see that (design D10).
fn grows(file: &Wanted, found: &Option<Vec<u8>>) -> bool {
    let old = file.old.as_deref().map_or(&[][..], Vec::as_slice);
    let whole = file.whole(Task::Append);
    found
        .as_ref()
        .is_some_and(|found| found.starts_with(old) && whole.starts_with(found))
}

/// How often a person tries again when nothing is broken any more.
const RETRIES_MAX: u32 = 3;

/// Longer than a server keeps what a dead session had (stall, idle, and the last words).
const BETWEEN_RETRIES: Duration = Duration::from_secs(700);

/// Longer than TCP takes to give up what nobody takes any more.
const REST: Duration = Duration::from_secs(1_500);
