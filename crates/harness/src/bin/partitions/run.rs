//! All cases, several at the same time.

use std::io;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use thirdhost_harness::binaries;

use crate::args::Args;
use crate::case::{self, Case};
use crate::oracle::{Verdict, judge};
use crate::report::Report;

/// Runs what is asked for; fails when a rule was broken.
pub(crate) fn run(args: &Args) -> io::Result<ExitCode> {
    let all = if args.short {
        case::short()
    } else {
        case::matrix()
    };
    let wanted = |case: &Case| {
        let name = case.to_string();
        args.only.as_ref().is_none_or(|words| name.contains(words))
    };
    let cases: Vec<Case> = all.into_iter().filter(wanted).collect();
    if args.list {
        cases.iter().for_each(|case| println!("{case}"));
        return Ok(ExitCode::SUCCESS);
    }
    // Built once, before anything is timed.
    binaries::path("thirdhostd")?;
    let began = Instant::now();
    let report = Mutex::new(Report::default());
    let left = Mutex::new(cases.iter());
    thread::scope(|scope| {
        for _ in 0..args.at_once.clamp(1, cases.len().max(1)) {
            scope.spawn(|| {
                while let Some(case) = next(&left) {
                    let verdict = judge(case).unwrap_or_else(broken);
                    tell(args, case, &verdict);
                    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                    report.add(&case.to_string(), &verdict);
                }
            });
        }
    });
    let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.print(began.elapsed());
    Ok(if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn next<'a>(left: &Mutex<std::slice::Iter<'a, Case>>) -> Option<&'a Case> {
    left.lock().unwrap_or_else(PoisonError::into_inner).next()
}

fn broken(error: io::Error) -> Verdict {
    Verdict {
        free_after: None,
        client_after: std::time::Duration::ZERO,
        code: None,
        is_unknown: false,
        problems: vec![format!("the case could not be run: {error}")],
        dialogue: String::new(),
    }
}

fn tell(args: &Args, case: &Case, verdict: &Verdict) {
    if std::env::var_os("SHOW").is_some() {
        println!("{}", verdict.dialogue);
    }
    if !args.verbose && verdict.problems.is_empty() {
        return;
    }
    let code = verdict
        .code
        .map_or("none".to_owned(), |code| code.to_string());
    let free = verdict
        .free_after
        .map_or("never".to_owned(), |after| format!("{after:.1?}"));
    let client = verdict.client_after;
    println!("{case}: exit code {code} after {client:.1?}, free after {free}");
    if !verdict.problems.is_empty() {
        println!("  {}\n{}", verdict.problems.join("\n  "), verdict.dialogue);
    }
}
