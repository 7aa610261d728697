//! The user: what `thirdhost cp` and `thirdhost append` do, and what they say became of it.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thirdhost_client::{
    ControlConn, Copy, Credentials, Environment, Error, ExitCode, Happened, Interrupt, Limits,
    Location, Observer, Operation, Options, Pair, Pathname, Root, Security, Server,
    Site as CopySite, Summary, Watcher,
};

use crate::chance::Chance;
use crate::net::Net;
use crate::sabotage::Sabotage;
use crate::site::{PASSWORD, Site, USER};
use crate::trace::Trace;
use crate::workload::{Task, Workload};
use crate::world::{without_alarms, world};

/// What the program said in the end.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) code: ExitCode,
    /// The files that it said to be done.
    pub(crate) done: Vec<String>,
}

/// A run of the program.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    environment: Environment,
    watch: Arc<Watch>,
    servers: [Server; 2],
    workload: Workload,
    resume: bool,
    sabotage: Option<Sabotage>,
}

impl Program {
    pub(crate) fn new(
        (net, host): (&Net, IpAddr),
        sites: [&Site; 2],
        workload: &Workload,
        resume: bool,
        (chance, trace): (&Chance, &Trace),
    ) -> Self {
        let watch = Arc::new(Watch {
            trace: trace.clone(),
            done: Mutex::default(),
        });
        let sabotage = net.sabotage();
        let world = match (world(Arc::new(net.host(host)), chance), sabotage) {
            (world, Some(Sabotage::StopsClock)) => without_alarms(world),
            (world, _) => world,
        };
        let environment = Environment::new(world).with_limits(limits());
        let security = if workload.asks_for_tls {
            Security::Offered
        } else {
            Security::ClearText
        };
        let server = |site: &Site| {
            Server::at(site.address())
                .named(site.name)
                .secured(security)
        };
        Self {
            environment: environment.with_observer(watch.clone()),
            watch,
            servers: sites.map(server),
            workload: workload.clone(),
            resume,
            sabotage,
        }
    }

    /// What stops it in good order.
    pub(crate) fn interrupt(&self) -> Interrupt {
        self.environment.interrupt.clone()
    }

    /// Runs to its end.
    pub(crate) async fn run(self) -> Said {
        let code = match self.workload.task {
            Task::Append => match self.append().await {
                Ok(()) => ExitCode::Done,
                Err(error) => self.failed(&error),
            },
            Task::Copy | Task::Tree => match self.copy().await {
                Ok(summary) => summary.exit_code(),
                Err(error) => self.failed(&error),
            },
        };
        let code = match self.sabotage {
            Some(Sabotage::SaysDone) => ExitCode::Done,
            _ => code,
        };
        let done = self.watch.done.lock();
        let done = done.unwrap_or_else(PoisonError::into_inner).clone();
        self.watch
            .trace
            .note(format_args!("user: {} {}", code.number(), code.meaning()));
        Said { code, done }
    }

    fn failed(&self, error: &Error) -> ExitCode {
        self.watch.trace.note(format_args!("user: {error}"));
        error.exit_code()
    }

    async fn copy(&self) -> Result<Summary, Error> {
        let credentials = Credentials::new(USER, PASSWORD)?;
        let [from, to] = self.servers.clone();
        let site =
            |server| CopySite::new(self.environment.clone(), vec![server], credentials.clone());
        let mut options = Options::default();
        options.recursive = self.workload.task == Task::Tree;
        options.resume = self.resume;
        options.jobs = self.workload.jobs;
        options.streams = self.workload.streams;
        options.retries = self.workload.retries;
        options.poll = self.workload.poll;
        options.policy = self.workload.policy.clone();
        let copy = Copy {
            from: Some(site(from)),
            to: Some(site(to)),
            options,
            watcher: self.watch.clone(),
            environment: self.environment.clone(),
        };
        let name = match self.workload.task {
            Task::Tree => "tree",
            Task::Copy | Task::Append => "file",
        };
        let at = Location::Remote(Some(Pathname::try_from(name)?));
        let root = Root {
            from: at.clone(),
            to: at,
        };
        copy.run(&[root]).await
    }

    async fn append(&self) -> Result<(), Error> {
        let credentials = Credentials::new(USER, PASSWORD)?;
        let [from, to] = self.servers.clone();
        let mut source = ControlConn::connect(&self.environment, from).await?;
        source.login(&credentials).await?;
        let mut destination = ControlConn::connect(&self.environment, to).await?;
        destination.login(&credentials).await?;
        let mut pair = Pair::new(source, destination, self.workload.policy.clone());
        let name = Pathname::try_from("file")?;
        let report = pair.transfer(Operation::Append, &name, &name).await;
        pair.quit().await;
        report.map(|_| ())
    }
}

/// As they are, but for those that only make virtual time or files long.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.transfer = TRANSFER;
    limits.progress_interval = Duration::from_secs(20);
    limits.stream_bytes = 20_000;
    limits
}

/// Hears what happens, and puts it into the trace.
#[derive(Debug)]
struct Watch {
    trace: Trace,
    done: Mutex<Vec<String>>,
}

impl Watcher for Watch {
    fn happened(&self, event: &Happened<'_>) {
        match event {
            Happened::Done { name, moved } => {
                self.trace
                    .note(format_args!("user: done {name} {:?}", moved.way));
                let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
                done.push((*name).to_owned());
            }
            Happened::Failed(failed) => {
                let (name, message) = (&failed.name, &failed.message);
                self.trace
                    .note(format_args!("user: failed {name}: {message}"));
            }
            Happened::Retrying { name, reason, .. } => {
                self.trace
                    .note(format_args!("user: will retry {name}: {reason}"));
            }
            Happened::Note(note) => self.trace.note(format_args!("user: {note}")),
            Happened::Started { name, offset, .. } => {
                self.trace
                    .note(format_args!("user: begins {name} at {offset}"));
            }
            Happened::Skipped { name, reason } => {
                self.trace
                    .note(format_args!("user: skips {name}: {reason}"));
            }
            _ => {}
        }
    }
}

impl Observer for Watch {
    fn sent(&self, _site: &str, _line: &str) {}

    fn received(&self, _site: &str, _line: &str) {}

    fn note(&self, note: &str) {
        self.trace.note(format_args!("user: {note}"));
    }
}

/// How long one file may take.
pub(crate) const TRANSFER: Duration = Duration::from_secs(1_200);
