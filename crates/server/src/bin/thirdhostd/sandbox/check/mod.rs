//! `thirdhostd sandbox --check`: the confinement tried from inside.
//!
//! What must not work is tried twice in one process, before it is confined and after: what fails
//! both times for the same reason would prove nothing. Every attempt is harmless where it works.
//! Calls of the kernel for which there is no safe way to make them (bpf, kexec_load, io_uring_setup
//! and others) are not tried; that the filter has none of them is tested in `calls/filter.rs`.

use std::io::{self, Write};
use std::path::Path;
use std::thread;

use thirdhost_server::config::Config;

use super::files::Reach;
use super::{Confined, apply};

mod attempts;
mod bait;
mod needs;
mod policy;

/// Confines this process as a server of `config` would be, and tells on stdout what it can still
/// do; whether all is as it has to be.
///
/// # Errors
/// When there is nothing that could be tried.
pub(crate) fn check(config: &Config, file: Option<&Path>) -> io::Result<bool> {
    let reach = Reach::new(config, file);
    let unconfined = bait::Bait::lay(&reach)?;
    let confined = bait::Bait::lay(&reach)?;
    let lines = policy::Lines::open(config)?;
    let (attempts, needs) = (attempts::all(), needs::all(config, file));
    let before: Vec<_> = attempts.iter().map(|one| one.make(&unconfined)).collect();
    let needs_before: Vec<_> = needs.iter().map(needs::Need::make).collect();
    let trial = || {
        let Confined { files, calls } = apply(config, file);
        let mut report = Report::default();
        report.line("be confined by Landlock", said(&files), files);
        report.line("be confined by seccomp", said(&calls), calls);
        report.line("be kept from new privileges", said(&status()), status());
        for (attempt, before) in attempts.iter().zip(&before) {
            let after = attempt.make(&confined);
            let found = both(before, &after) + attempt.remark(before);
            report.line(attempt.what, found, attempt.judge(before, &after));
        }
        lines.check(&mut report)?;
        for (need, before) in needs.iter().zip(&needs_before) {
            let after = need.make();
            report.line(need.what, both(before, &after), need.judge(before, &after));
        }
        report.end()
    };
    // A thread of its own, since Landlock confines threads: this one takes the bait away.
    let ended = thread::scope(|scope| scope.spawn(trial).join());
    ended.unwrap_or_else(|_| Err(io::Error::other("the trial ended early")))
}

/// What has been found so far.
#[derive(Debug, Default)]
struct Report {
    lines: usize,
    failed: usize,
}

impl Report {
    /// One line: what was tried, what came of it, and whether that is right.
    fn line(&mut self, what: &str, found: String, verdict: Result<(), String>) {
        self.lines += 1;
        let (verdict, why) = match verdict {
            Ok(()) => ("passed", String::new()),
            Err(why) => {
                self.failed += 1;
                ("FAILED", format!(" ({why})"))
            }
        };
        // Whoever does not read this has the exit code.
        writeln!(io::stdout(), "{verdict}  {what}: {found}{why}").ok();
    }

    fn end(self) -> io::Result<bool> {
        let Self { lines, failed } = self;
        writeln!(io::stdout(), "{lines} checked, {failed} FAILED")?;
        Ok(failed == 0)
    }
}

fn said(result: &Result<(), String>) -> String {
    match result {
        Ok(()) => "done".to_owned(),
        Err(why) => why.clone(),
    }
}

fn both(before: &io::Result<()>, after: &io::Result<()>) -> String {
    format!("{}; unconfined: {}", outcome(after), outcome(before))
}

fn outcome(result: &io::Result<()>) -> String {
    match result {
        Ok(()) => "done".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// What the kernel says of this thread.
fn status() -> Result<(), String> {
    let status = std::fs::read_to_string(STATUS).map_err(|error| error.to_string())?;
    for expected in ["NoNewPrivs:\t1", "Seccomp:\t2"] {
        if !status.lines().any(|line| line == expected) {
            return Err(format!("{STATUS} has no {expected:?}"));
        }
    }
    Ok(())
}

const STATUS: &str = "/proc/thread-self/status";
