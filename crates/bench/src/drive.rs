//! One third-party transfer: who is told what, how long it took, and whether all came whole.

use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use thirdhost_lab::{Host, Lab};

use crate::args::Args;
use crate::failure::{Failure, Result, While};
use crate::peers::{GRIDFTP, OURS, Running, find};
use crate::stage::{SHORT_BYTES, Stage};

/// Who tells the servers what to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Driver {
    /// thirdhost for ours, globus-url-copy for GridFTP, lftp with ten connections for others.
    Own,
    /// thirdhost for all, and nothing in clear.
    Sealed,
    /// thirdhost in our column, lftp in the others, each with so many pairs of connections.
    Either { at_once: usize },
    /// thirdhost for ours and globus-url-copy for GridFTP, one file over so many connections.
    Streams { at_once: usize },
    /// lftp with so many connections.
    Lftp { at_once: usize },
}

/// From where to where.
#[derive(Clone, Copy)]
pub(crate) struct Between<'a> {
    /// What it is called in the tables.
    pub(crate) name: &'static str,
    /// Where the files are.
    pub(crate) source: &'a Running,
    /// Where they go.
    pub(crate) destination: &'a Running,
}

/// What one transfer took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// From the start of the client to its end.
    pub(crate) time: Duration,
    /// Processor time of both servers.
    pub(crate) used: Duration,
}

/// Where clients run.
pub(crate) struct Drive<'a> {
    pub(crate) args: &'a Args,
    pub(crate) stage: &'a Stage,
    /// The network they run in, at its user's host; without it, here.
    pub(crate) lab: Option<&'a Lab>,
    /// A client that takes longer, and a second more for each [`FILES_PER_SECOND_MIN`] files,
    /// hangs.
    pub(crate) seconds_max: u64,
}

impl Drive<'_> {
    /// The large file goes.
    pub(crate) fn one(&self, between: Between<'_>, driver: Driver) -> Result<Cost> {
        let (source, destination) = (between.source, between.destination);
        let (from, to) = (source.url("large"), destination.url("in/large"));
        let command = match (driver, between.name) {
            (Driver::Own | Driver::Either { .. }, OURS) => {
                self.thirdhost(&["cp", "-q", CLEAR], [&from, &to])
            }
            (Driver::Sealed, _) => {
                let [from, to] = [from, to].map(|url| url.replacen("ftp://", "ftpes://", 1));
                self.thirdhost(SEALED, [&from, &to])
            }
            (Driver::Streams { at_once }, OURS) => self.thirdhost(
                &["cp", "-q", CLEAR, "--streams", &at_once.to_string()],
                [&from, &to],
            ),
            (Driver::Streams { at_once }, GRIDFTP) => {
                globus(&["-q", "-p", &at_once.to_string()], [&from, &to])?
            }
            (Driver::Own, GRIDFTP) => globus(&["-q"], [&from, &to])?,
            _ => self.lftp(&format!("get1 '{from}' -o '{to}'"))?,
        };
        // A run that failed may have left something, and what is there is not sent.
        self.stage.harvest()?;
        let cost = self.timed(between, command, 1)?;
        let lengths = self.stage.harvest()?;
        if lengths != [self.stage.size] {
            return Err(Failure::new(format!(
                "what came was {lengths:?} bytes long"
            )));
        }
        Ok(cost)
    }

    /// A tree of `files` short files goes.
    pub(crate) fn many(
        &self,
        between: Between<'_>,
        driver: Driver,
        tree: &str,
        files: usize,
    ) -> Result<Cost> {
        let (source, destination) = (between.source, between.destination);
        let to = format!("in/{tree}/");
        let (from, to) = (source.url(&format!("{tree}/")), destination.url(&to));
        let ours = || [source.url(tree), destination.url("in/")];
        let command = match (driver, between.name) {
            (Driver::Own, OURS) => {
                let [from, to] = ours();
                self.thirdhost(&["cp", "-q", "-r", CLEAR], [&from, &to])
            }
            (Driver::Either { at_once }, OURS) => {
                let [from, to] = ours();
                self.thirdhost(
                    &["cp", "-q", "-r", CLEAR, "-j", &at_once.to_string()],
                    [&from, &to],
                )
            }
            (Driver::Own, GRIDFTP) => globus(&["-q", "-r", "-cd", "-pp"], [&from, &to])?,
            (driver, _) => {
                let at_once = match driver {
                    Driver::Lftp { at_once }
                    | Driver::Either { at_once }
                    | Driver::Streams { at_once } => at_once,
                    Driver::Own | Driver::Sealed => 10,
                };
                self.lftp(&format!("mirror --no-perms -P{at_once} '{from}' '{to}'"))?
            }
        };
        // A run that failed may have left something, and what is there is not sent.
        self.stage.harvest()?;
        let cost = self.timed(between, command, files)?;
        let lengths = self.stage.harvest()?;
        let whole = lengths
            .iter()
            .filter(|length| **length == SHORT_BYTES as u64);
        let whole = whole.count();
        if (whole, lengths.len()) != (files, files) {
            return Err(Failure::new(format!("{whole} of {files} files came whole")));
        }
        Ok(cost)
    }

    /// How long the command took, and what both servers used meanwhile.
    fn timed(&self, between: Between<'_>, command: Command, files: usize) -> Result<Cost> {
        let families = [between.source.family(), between.destination.family()];
        let used = || -> Result<Duration> {
            let used = families.into_iter().map(|family| family.cpu());
            used.sum()
        };
        let sizes = || -> Result<usize> { families.into_iter().map(|family| family.size()).sum() };
        let (before, size) = (used()?, sizes()?);
        let program = command.get_program().to_string_lossy().into_owned();
        let seconds_max = self.seconds_max + files as u64 / FILES_PER_SECOND_MIN;
        let bounded = bounded(&command, seconds_max);
        let began = Instant::now();
        let output = self.output(bounded).during(&program)?;
        let time = began.elapsed();
        if output
            .status
            .code()
            .is_some_and(|code| TIMED_OUT.contains(&code))
        {
            return Err(Failure::new(format!("{UNENDED} in {seconds_max} s")));
        }
        if !output.status.success() {
            let words = [output.stdout, output.stderr].concat();
            let words = String::from_utf8_lossy(&words);
            let last = words.lines().rfind(|line| !line.trim().is_empty());
            let last = last.unwrap_or_default();
            let status = output.status;
            return Err(Failure::new(format!("{program}, {status}: {last}")));
        }
        // What a process used counts with its parent once it has ended; a session may take a
        // moment.
        let ended = Instant::now();
        while sizes()? > size && ended.elapsed() < END_TIME_MAX {
            thread::sleep(Duration::from_millis(10));
        }
        let used = used()?.saturating_sub(before);
        Ok(Cost { time, used })
    }

    fn output(&self, mut command: Command) -> std::io::Result<Output> {
        command.stdin(Stdio::null());
        match self.lab {
            Some(lab) => lab.within(Host::User, move || command.output())?,
            None => command.output(),
        }
    }

    /// Never over this host. Sizes are compared, as others do at most: hashing is not their work.
    fn thirdhost(&self, verb: &[&str], places: [&str; 2]) -> Command {
        let mut command = Command::new(self.args.client());
        command
            .args(verb)
            .args(["--third-party", "only", "--verify", "size"]);
        command.args(places).env("HOME", self.stage.files());
        command
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME");
        command
    }

    fn lftp(&self, order: &str) -> Result<Command> {
        let program = find("lftp").ok_or_else(|| Failure::new("lftp is not installed"))?;
        let mut command = Command::new(program);
        command.args(["--norc", "-c", &format!("{LFTP}; {order}")]);
        command.env("HOME", self.stage.files());
        Ok(command)
    }
}

fn bounded(command: &Command, seconds_max: u64) -> Command {
    let mut bounded = Command::new("timeout");
    bounded.arg("--kill-after=5").arg(seconds_max.to_string());
    bounded.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bounded.env(name, value),
            None => bounded.env_remove(name),
        };
    }
    bounded
}

fn globus(options: &[&str], places: [&str; 2]) -> Result<Command> {
    let program = find("globus-url-copy");
    let program = program.ok_or_else(|| Failure::new("globus-url-copy is not installed"))?;
    let mut command = Command::new(program);
    // Its URLs are absolute already, and it takes no %-escapes in passwords but its own.
    command.args(options).args(places);
    Ok(command)
}

/// Directly or not at all, in clear, and without waiting between tries.
const LFTP: &str = "set cmd:fail-exit yes; set ftp:ssl-allow no; set ftp:use-fxp yes; \
     set ftp:fxp-force yes; set net:max-retries 1; set net:connection-limit 0; \
     set ftp:use-mlsd yes; set xfer:use-temp-file no";

/// What the places of `ftp://` are told.
const CLEAR: &str = "--clear-text";

/// Everything under TLS, the servers told of each other's certificates where they can be.
const SEALED: &[&str] = &["cp", "-q", "--accept-new", "--unverified-peers"];

/// What is said of a client that took too long.
pub(crate) const UNENDED: &str = "did not end";

/// What `timeout` says when it had to end what it ran, and when it had to kill it.
const TIMED_OUT: [i32; 2] = [124, 137];

/// A client that moves fewer waits for something that does not come: lftp with ten connections
/// moves 20 to 25 over 50 ms.
const FILES_PER_SECOND_MIN: u64 = 20;

/// How long the processes of a session are waited for.
const END_TIME_MAX: Duration = Duration::from_secs(2);
