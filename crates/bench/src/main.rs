//! `cargo xtask bench`: thirdhostd beside the FTP servers found on this machine, in one run.

mod args;
mod failure;
mod load;
mod measure;
mod namespace;
mod peers;
mod server;
mod setting;
mod stage;
mod table;
mod third_party;
mod work;

use std::process::ExitCode;

use clap::Parser;

use self::args::{Args, Verb};
use self::failure::Result;
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
        Verb::All => vec![Verb::Server, Verb::ThirdParty],
        verb => vec![verb],
    };
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
        }
        report.finish(args)?;
    }
    Ok(ExitCode::SUCCESS)
}
