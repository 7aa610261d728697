//! From one server to another of its kind, with nothing passing the user: a large file, and a
//! tree of short ones. Ours are driven by thirdhost; the others by lftp, GridFTP by its own client.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::failure::{Failure, Result, While};
use crate::peers::{self, GRIDFTP, OURS, PROFTPD, Pair, find};
use crate::server::{SPEED, float, speed};
use crate::stage::{SHORT_BYTES, Stage};
use crate::table::Report;
use crate::work::{Figure, Subject as _, Work, interleaved};

/// Measures third-party transfers between two of each server, and reports; or those under TLS
/// alone.
pub(crate) fn measure(args: &Args, report: &mut Report, tls_alone: bool) -> Result<()> {
    let stage = Stage::new(args.dir.as_deref(), args.size())?;
    let files = stage.plant()?;
    let pairs = peers::start_pairs(&stage, &args.binary(), &args.only)?;
    report.has(
        &stage,
        &pairs.iter().map(|pair| &pair.source).collect::<Vec<_>>(),
    );
    let mib = args.size() / (1024 * 1024);
    let tree = format!("{files} files of {SHORT_BYTES} bytes");
    let classic: fn(&Pair) -> bool = |pair| pair.name() != GRIDFTP;
    let works = [
        (
            format!("one file of {mib} MiB, own client"),
            Driver::Own,
            None,
        ),
        (
            format!("one file of {mib} MiB under TLS, thirdhost"),
            Driver::Sealed,
            None,
        ),
        (format!("{tree}, own client"), Driver::Own, Some(files)),
        (
            format!("{tree}, lftp -P10"),
            Driver::Lftp { at_once: 10 },
            Some(files),
        ),
        (
            format!("{tree}, lftp -P1"),
            Driver::Lftp { at_once: 1 },
            Some(files),
        ),
    ];
    let wanted = |driver| !tls_alone || driver == Driver::Sealed;
    for (name, driver, tree) in works.into_iter().filter(|(_, driver, _)| wanted(*driver)) {
        let (args, stage) = (&args, &stage);
        let applies: fn(&Pair) -> bool = match driver {
            Driver::Own => |_| true,
            Driver::Sealed => |pair| SEALING.contains(&pair.name()),
            Driver::Lftp { .. } => classic,
        };
        let work = Work {
            name,
            figures: if tree.is_some() { &FILES } else { &SPEED },
            runs: args.runs(),
            once: Box::new(move |pair| match tree {
                Some(files) => many(args, stage, pair, driver, files),
                None => one(args, stage, pair, driver),
            }),
            applies,
        };
        if args.wants(&work.name) {
            let outcomes = interleaved(&work, &pairs);
            report.add(&work, outcomes);
        }
    }
    Ok(())
}

/// Who tells the servers what to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Driver {
    /// thirdhost for ours, globus-url-copy for GridFTP, lftp with ten connections for others.
    Own,
    /// thirdhost for all, and nothing in clear.
    Sealed,
    /// lftp with so many connections.
    Lftp { at_once: usize },
}

fn one(args: &Args, stage: &Stage, pair: &Pair, driver: Driver) -> Result<Vec<f64>> {
    let (from, to) = (pair.source.url("large"), pair.destination.url("in/large"));
    let command = match (driver, pair.name()) {
        (Driver::Own, OURS) => thirdhost(args, stage, &["cp", "-q", "--clear-text"], [&from, &to]),
        (Driver::Sealed, _) => {
            let sealed = [from, to].map(|url| url.replacen("ftp://", "ftpes://", 1));
            thirdhost(args, stage, SEALED, [&sealed[0], &sealed[1]])
        }
        (Driver::Own, GRIDFTP) => globus(&["-q"], [&from, &to])?,
        _ => lftp(stage, &format!("get1 '{from}' -o '{to}'"))?,
    };
    // A run that failed may have left something, and what is there is not sent.
    stage.harvest()?;
    let (took, used) = timed(pair, command)?;
    let lengths = stage.harvest()?;
    if lengths != [stage.size] {
        return Err(Failure::new(format!(
            "what came was {lengths:?} bytes long"
        )));
    }
    Ok(speed(stage.size, took, used))
}

fn many(args: &Args, stage: &Stage, pair: &Pair, driver: Driver, files: usize) -> Result<Vec<f64>> {
    let (from, to) = (pair.source.url("tree/"), pair.destination.url("in/tree/"));
    let command = match (driver, pair.name()) {
        (Driver::Own, OURS) => {
            let (from, to) = (pair.source.url("tree"), pair.destination.url("in/"));
            thirdhost(
                args,
                stage,
                &["cp", "-q", "-r", "--clear-text"],
                [&from, &to],
            )
        }
        (Driver::Own, GRIDFTP) => globus(&["-q", "-r", "-cd", "-pp"], [&from, &to])?,
        (driver, _) => {
            let at_once = match driver {
                Driver::Own | Driver::Sealed => 10,
                Driver::Lftp { at_once } => at_once,
            };
            lftp(
                stage,
                &format!("mirror --no-perms -P{at_once} '{from}' '{to}'"),
            )?
        }
    };
    // A run that failed may have left something, and what is there is not sent.
    stage.harvest()?;
    let (took, used) = timed(pair, command)?;
    let lengths = stage.harvest()?;
    let whole = lengths
        .iter()
        .filter(|length| **length == SHORT_BYTES as u64);
    let whole = whole.count();
    if (whole, lengths.len()) != (files, files) {
        return Err(Failure::new(format!("{whole} of {files} files came whole")));
    }
    let files = float(files as u64);
    Ok(vec![
        files / took.as_secs_f64(),
        used.as_secs_f64() * 1_000.0 / files,
    ])
}

/// How long the command took, and what both servers used meanwhile.
fn timed(pair: &Pair, command: Command) -> Result<(Duration, Duration)> {
    let families = [pair.source.family(), pair.destination.family()];
    let used = || -> Result<Duration> {
        let used = families.into_iter().map(|family| family.cpu());
        used.sum()
    };
    let sizes = || -> Result<usize> { families.into_iter().map(|family| family.size()).sum() };
    let (before, size) = (used()?, sizes()?);
    let program = command.get_program().to_string_lossy().into_owned();
    let mut bounded = Command::new("timeout");
    bounded.arg(TIME_MAX_SECONDS).arg(command.get_program());
    bounded.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bounded.env(name, value),
            None => bounded.env_remove(name),
        };
    }
    let began = Instant::now();
    let output = bounded.stdin(Stdio::null()).output().during(&program)?;
    let took = began.elapsed();
    if !output.status.success() {
        let words = [output.stdout, output.stderr].concat();
        let words = String::from_utf8_lossy(&words);
        let last = words.lines().rfind(|line| !line.trim().is_empty());
        let last = last.unwrap_or_default();
        let status = output.status;
        return Err(Failure::new(format!("{program}, {status}: {last}")));
    }
    // What a process used counts with its parent once it has ended; a session may take a moment.
    let ended = Instant::now();
    while sizes()? > size && ended.elapsed() < END_TIME_MAX {
        thread::sleep(Duration::from_millis(10));
    }
    Ok((took, used()?.saturating_sub(before)))
}

/// Never over this host. Sizes are compared, as others do at most: hashing is not their work.
fn thirdhost(args: &Args, stage: &Stage, verb: &[&str], places: [&str; 2]) -> Command {
    let mut command = Command::new(args.client());
    command
        .args(verb)
        .args(["--third-party", "only", "--verify", "size"]);
    command.args(places).env("HOME", stage.files());
    command
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_CACHE_HOME");
    command
}

fn lftp(stage: &Stage, order: &str) -> Result<Command> {
    let program = find("lftp").ok_or_else(|| Failure::new("lftp is not installed"))?;
    let mut command = Command::new(program);
    command.args(["--norc", "-c", &format!("{LFTP}; {order}")]);
    command.env("HOME", stage.files());
    Ok(command)
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

/// Everything under TLS, the servers told of each other's certificates where they can be.
const SEALED: &[&str] = &["cp", "-q", "--accept-new", "--unverified-peers"];

/// Who can protect what goes between two of a kind. The others have neither SSCN nor CPSV.
const SEALING: [&str; 2] = [OURS, PROFTPD];

const FILES: [Figure; 2] = [Figure::more("files/s"), Figure::less("CPU ms a file")];

/// A client that takes longer hangs.
const TIME_MAX_SECONDS: &str = "60";

/// How long the processes of a session are waited for.
const END_TIME_MAX: Duration = Duration::from_secs(2);
