//! One simulated world from its beginning to its end, and what the oracle says about it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use thirdhost_server::store::{Store, StoreError, UploadKind};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::blows::{Schedule, Victims};
use crate::chance::Chance;
use crate::disk::Disk;
use crate::intruder::Intruder;
use crate::judge::{Bytes, Judge, virtual_path};
use crate::net::{Net, Parties, Weather};
use crate::sabotage::Sabotage;
use crate::site::{CONTROL_PORT, HOME, Site, config};
use crate::trace::Trace;
use crate::user::{Program, Said, TRANSFER};
use crate::workload::{Wanted, Workload};

/// Everything of one world.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) net: Net,
    pub(crate) trace: Trace,
    pub(crate) chance: Chance,
    judge: Judge,
    pub(crate) source: Site,
    pub(crate) destination: Site,
    pub(crate) workload: Workload,
}

impl Stage {
    /// The world of a seed; nothing runs in it yet.
    pub(crate) fn new(seed: u64, trace: Trace, sabotage: Option<Sabotage>) -> Result<Self, String> {
        let chance = Chance::new(seed);
        let workload = Workload::draw(&chance, seed % IN_PARTS_EVERY == IN_PARTS_AT);
        let weather = weather(&chance, &workload);
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
        // Where there are few, a number soon comes round.
        let ports = match seed.is_multiple_of(FEW_PORTS_EVERY) {
            true => 12,
            false => 64,
        };
        let site = |name, host, other| {
            let config = config(host, other, accept, ports).map_err(|error| error.to_string())?;
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
            streams,
            retries,
            ..
        } = &self.workload;
        let (via, listen, count) = (policy.via, policy.listen, files.len());
        self.trace.note(format_args!(
            "{task:?} of {count} by {via:?}, {listen:?}, jobs {jobs}, streams {streams}, \
             retries {retries}"
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
        let schedule = Schedule::draw(&self.chance, self.workload.files.len());
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

    pub(crate) fn program(&self, resume: bool) -> Program {
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
    pub(crate) fn mend(&self) {
        self.net.heal_links();
        self.net.power_on(USER_HOST);
        for site in [&self.source, &self.destination] {
            site.disk.mend();
            site.start();
        }
    }

    /// How long the program may take: each file as often as it is tried, and a few questions.
    pub(crate) fn limit(&self) -> Duration {
        let tries = self.workload.retries + 2;
        let files = u32::try_from(self.workload.files.len()).unwrap_or(u32::MAX);
        (TRANSFER * 2 * tries).saturating_mul(files + 4)
    }
}

fn weather(chance: &Chance, workload: &Workload) -> Weather {
    let bytes: usize = workload.files.iter().map(|file| file.new.len()).sum();
    Weather {
        latency_max: *chance.pick(&[0, 1, 10, 40, 150]).unwrap_or(&0),
        jitter_max: *chance.pick(&[0, 0, 1, 5, 50]).unwrap_or(&0),
        // A narrow one makes a long transfer of a few files, and an endless one of many.
        window: chance
            .pick(&WINDOWS)
            .map_or(1, |window| (*window).max(bytes / PACKETS_MIN)),
        pieces_max: *chance.pick(&[1, 1, 2, 4]).unwrap_or(&1),
        time_wait: chance.once_in(2),
        loss: *chance.pick(&[0, 0, 0, 100, 20]).unwrap_or(&0),
    }
}

/// How many bytes may be under way.
const WINDOWS: [usize; 5] = [100, 4_096, 16_384, 65_536, 262_144];

/// In one world of so many the ranges are narrow.
const FEW_PORTS_EVERY: u64 = 4;

/// In one world of so many a file goes over several streams: not one of those whose seeds are
/// written down.
const IN_PARTS_EVERY: u64 = 8;
const IN_PARTS_AT: u64 = 5;

/// Into so many packets all the bytes are cut at least, and not into very many more.
const PACKETS_MIN: usize = 128;

const fn host(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
}

const SITE1: IpAddr = host(1);
const SITE2: IpAddr = host(2);
pub(crate) const USER_HOST: IpAddr = host(3);
const INTRUDER_HOST: IpAddr = host(4);
