//! One simulated world from its beginning to its end, and what the oracle says about it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use thirdhost_client::{Arrangement, ExitCode, Via};
use thirdhost_server::store::{Store, StoreError, UploadKind};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use crate::blows::{Schedule, Victims};
use crate::chance::Chance;
use crate::disk::Disk;
use crate::intruder::Intruder;
use crate::judge::{Bytes, Judge, read, virtual_path};
use crate::net::{Net, Parties, Weather};
use crate::sabotage::Sabotage;
use crate::site::{CONTROL_PORT, HOME, Site, config};
use crate::trace::Trace;
use crate::user::{Program, Said, TRANSFER};
use crate::workload::{Task, Wanted, Workload};

/// Everything of one world.
#[derive(Debug)]
pub(crate) struct Stage {
    net: Net,
    trace: Trace,
    chance: Chance,
    judge: Judge,
    source: Site,
    destination: Site,
    workload: Workload,
}

impl Stage {
    /// The world of a seed; nothing runs in it yet.
    pub(crate) fn new(seed: u64, trace: Trace, sabotage: Option<Sabotage>) -> Result<Self, String> {
        let chance = Chance::new(seed);
        let weather = weather(&chance);
        let parties = Parties {
            servers: [SITE1, SITE2],
            named: [SITE1, SITE2, USER_HOST],
            control_port: CONTROL_PORT,
        };
        trace.note(format_args!("{weather:?}"));
        let net = Net::new(chance.fork(), trace.clone(), weather, parties, sabotage);
        let judge = Judge::new(trace.clone());
        let disk = |name| {
            let (chance, trace, judge) = (chance.fork(), trace.clone(), judge.clone());
            Disk::new(name, chance, trace, judge, sabotage)
        };
        let accept = 15 + chance.below(30);
        let site = |name, host, other| {
            let config = config(host, other, accept).map_err(|error| error.to_string())?;
            let both = (chance.fork(), trace.clone());
            Ok::<_, String>(Site::new(
                (name, host),
                disk(name),
                net.clone(),
                config,
                both,
            ))
        };
        let source = site("SITE1", SITE1, SITE2)?;
        let destination = site("SITE2", SITE2, SITE1)?;
        let workload = Workload::draw(&chance);
        Ok(Self {
            net,
            trace,
            chance,
            judge,
            source,
            destination,
            workload,
        })
    }

    /// Lets everything happen: what the user wants, what befalls it, and what is done afterwards.
    pub(crate) async fn play(&self) {
        if let Err(error) = self.lay_out().await {
            return self.trace.broken(format_args!("the stage itself: {error}"));
        }
        let network = tokio::spawn(self.net.clone().run());
        self.source.start();
        self.destination.start();
        let tasks = Handle::current().metrics().num_alive_tasks();
        let said = self.first_try().await;
        self.trace.note(format_args!("all is mended"));
        self.mend();
        if let Some(said) = &said {
            self.compare(said, "the first run").await;
        }
        self.converge(said.as_ref().map(|said| said.code)).await;
        self.at_rest(tasks).await;
        network.abort();
    }

    /// Puts the files where they are in the beginning.
    async fn lay_out(&self) -> Result<(), StoreError> {
        let Workload { task, files, .. } = &self.workload;
        for site in [&self.source, &self.destination] {
            let home = virtual_path(&format!("/{HOME}"))?;
            site.disk.files().make_directory(&home).await?;
        }
        for file in files {
            self.put(&self.source, &file.path, &file.new).await?;
            let at = self.destination.name;
            self.judge.allow(at, &file.path, file.whole(*task));
            if let Some(old) = &file.old {
                self.judge.allow(at, &file.path, Arc::clone(old));
                self.put(&self.destination, &file.path, old).await?;
            }
        }
        let Workload {
            policy,
            jobs,
            retries,
            ..
        } = &self.workload;
        let (via, listen, count) = (policy.via, policy.listen, files.len());
        self.trace.note(format_args!(
            "{task:?} of {count} by {via:?}, {listen:?}, jobs {jobs}, retries {retries}"
        ));
        for Wanted { path, new, old } in files {
            let (new, old) = (new.len(), old.as_ref().map(|old| old.len()));
            self.trace
                .note(format_args!("{path}: {new}, there {old:?}"));
        }
        Ok(())
    }

    async fn put(&self, site: &Site, path: &str, bytes: &Bytes) -> Result<(), StoreError> {
        let files = site
            .disk
            .files()
            .home(&virtual_path(&format!("/{HOME}"))?)?;
        for (slash, _) in path.match_indices('/').skip(1) {
            let directory = virtual_path(path.get(..slash).unwrap_or_default())?;
            match files.make_directory(&directory).await {
                Ok(()) | Err(StoreError::Exists) => {}
                Err(error) => return Err(error),
            }
        }
        let mut upload = files
            .begin(&virtual_path(path)?, UploadKind::Replace)
            .await?;
        upload.write(bytes.to_vec()).await?;
        upload.commit().await
    }

    /// The user's program runs while everything befalls it. `None` if it was killed.
    async fn first_try(&self) -> Option<Said> {
        let program = self.program(self.workload.resume);
        let interrupt = program.interrupt();
        let mut running = tokio::spawn(program.run());
        let victims = Victims {
            net: self.net.clone(),
            trace: self.trace.clone(),
            sites: [self.source.clone(), self.destination.clone()],
            user: USER_HOST,
            program: running.abort_handle(),
            interrupt,
        };
        let schedule = Schedule::draw(&self.chance);
        let blows = tokio::spawn(schedule.run(victims));
        let intruder = self.intruder().map(|intruder| tokio::spawn(intruder.run()));
        let ended = timeout(self.limit(), &mut running).await;
        let said = match ended {
            Ok(Ok(said)) => Some(said),
            // It was killed, or it panicked, which the hook has told.
            Ok(Err(_)) => None,
            Err(_) => {
                let limit = self.limit();
                self.trace.broken(format_args!(
                    "I5: the user's program still runs after {limit:?}"
                ));
                running.abort();
                None
            }
        };
        blows.abort();
        if let Some(intruder) = intruder {
            intruder.abort();
        }
        said
    }

    fn program(&self, resume: bool) -> Program {
        Program::new(
            (&self.net, USER_HOST),
            [&self.source, &self.destination],
            &self.workload,
            resume,
            (&self.chance, &self.trace),
        )
    }

    fn intruder(&self) -> Option<Intruder> {
        if !self.chance.once_in(3) {
            return None;
        }
        // In the classic arrangements nobody is told the port: a process at the peer's own host
        // cannot be told from the peer.
        let host = match self.chance.below(3) {
            0 if !self.workload.may_be_classic() => self.destination.host,
            1 if !self.workload.may_be_classic() => self.source.host,
            _ => INTRUDER_HOST,
        };
        Some(Intruder {
            network: self.net.stranger(host),
            net: self.net.clone(),
            targets: [SITE1, SITE2],
            chance: self.chance.fork(),
            trace: self.trace.clone(),
        })
    }

    /// Everything works again.
    fn mend(&self) {
        self.net.heal_links();
        self.net.power_on(USER_HOST);
        for site in [&self.source, &self.destination] {
            site.disk.mend();
            site.start();
        }
    }

    /// How long the program may take: each file as often as it is tried, and a few questions.
    fn limit(&self) -> Duration {
        let tries = self.workload.retries + 2;
        let files = u32::try_from(self.workload.files.len()).unwrap_or(u32::MAX);
        (TRANSFER * 2 * tries).saturating_mul(files + 4)
    }

    /// I1 and I8: what was said to be done is done, and the rest is as it was or done.
    async fn compare(&self, said: &Said, when: &str) {
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
            } else if !is_there && found.as_ref() != file.old.as_deref() {
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
    async fn converge(&self, mut code: Option<ExitCode>) {
        for _ in 0..RETRIES_MAX {
            let is_appended = self.workload.task == Task::Append && self.is_done().await;
            if code == Some(ExitCode::Done) || is_appended {
                return;
            }
            // Whatever the broken run has left at the servers may hold the file for a while.
            sleep(BETWEEN_RETRIES).await;
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
    async fn at_rest(&self, tasks: usize) {
        sleep(REST).await;
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

    /// When all is done, nothing is left beside the files.
    async fn no_temporaries(&self) {
        if !self.is_done().await {
            return;
        }
        let whole = |file: &Wanted| file.whole(self.workload.task).len();
        let expected: usize = self.workload.files.iter().map(whole).sum();
        match self.destination.disk.files().usage().await {
            Ok(found) if usize::try_from(found) == Ok(expected) => {}
            found => self.trace.broken(format_args!(
                "I3: {found:?} bytes at the destination, {expected} in its files"
            )),
        }
    }
}

fn weather(chance: &Chance) -> Weather {
    Weather {
        latency_max: *chance.pick(&[0, 1, 10, 40, 150]).unwrap_or(&0),
        jitter_max: *chance.pick(&[0, 0, 1, 5, 50]).unwrap_or(&0),
        window: *chance
            .pick(&[100, 4_096, 16_384, 65_536, 262_144])
            .unwrap_or(&1),
        pieces_max: *chance.pick(&[1, 1, 2, 4]).unwrap_or(&1),
        time_wait: chance.once_in(2),
    }
}

const fn host(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
}

const SITE1: IpAddr = host(1);
const SITE2: IpAddr = host(2);
const USER_HOST: IpAddr = host(3);
const INTRUDER_HOST: IpAddr = host(4);

/// How often a person tries again when nothing is broken any more.
const RETRIES_MAX: u32 = 3;

/// Longer than a server keeps what a dead session had (stall, idle, and the last words).
const BETWEEN_RETRIES: Duration = Duration::from_secs(700);

/// Longer than TCP takes to give up what nobody takes any more.
const REST: Duration = Duration::from_secs(1_500);
