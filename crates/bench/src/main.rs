//! `cargo xtask bench`: thirdhostd beside the FTP servers found on this machine, in one run.

mod args;
mod drive;
mod failure;
mod load;
mod measure;
mod namespace;
mod peers;
mod picture;
mod readme;
mod server;
mod setting;
mod stage;
mod streams;
mod table;
mod targets;
mod third_party;
mod wan;
mod work;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use self::args::{Args, Verb};
use self::failure::{Result, While};
use self::namespace::Entered;
use self::table::Report;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<ExitCode> {
    let place = match namespace::enter(args)? {
        Entered::Elsewhere(code) => return Ok(code),
        Entered::Here(place) => place,
    };
    let verbs = match args.verb {
        Verb::All => vec![Verb::Server, Verb::ThirdParty, Verb::Wan],
        verb => vec![verb],
    };
    let mut reports = Vec::new();
    for verb in verbs {
        let mut report = Report::new(args, verb, place.clone())?;
        match verb {
            Verb::Server | Verb::All => server::measure(args, &mut report, &server::ALL)?,
            Verb::Tls => {
                server::measure(args, &mut report, &server::TLS)?;
                third_party::measure(args, &mut report, true)?;
            }
            Verb::Sessions => server::measure(args, &mut report, &server::SESSIONS)?,
            Verb::ThirdParty => third_party::measure(args, &mut report, false)?,
            Verb::Wan => wan::measure(args, &mut report)?,
        }
        report.finish(args)?;
        reports.push(report);
        // After each, lest the failure of a later one take it along.
        if let Some(path) = &args.json {
            table::write_json(path, &reports)?;
        }
    }
    if let (Verb::All, Some(path)) = (args.verb, &args.write) {
        show(path, &reports)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The picture beside the tables, and both in the README of the project where these are its own.
fn show(results: &Path, reports: &[Report]) -> Result<()> {
    let standings: Vec<_> = reports.iter().flat_map(Report::standings).collect();
    let file = results.with_file_name("results.svg");
    fs::write(&file, picture::picture(&standings)).during(file.display())?;
    match reports.first() {
        Some(first) if results == Path::new(args::RESULTS) => {
            let setting = first.setting().sentence();
            readme::put_into(
                Path::new("README.md"),
                &standings,
                &setting,
                first.command(),
            )
        }
        _ => Ok(()),
    }
}
