//! `cargo xtask e2e`: RFC 438's example on real TCP and real files, then every other case.

mod args;
mod print;

use std::io;
use std::process::ExitCode;

use clap::Parser;
use thirdhost_harness::{Setting, cases};

use args::Args;
use print::{Played, Printer};

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(code) => code,
        // Whoever stops reading has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("e2e: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> io::Result<ExitCode> {
    let mut printer = Printer::new(args, io::stdout().lock());
    let chosen = cases::ALL.iter().filter(|case| args.wants(case.name));
    if args.list {
        printer.list(chosen)?;
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let setting = || {
        let mut setting = Setting::real();
        setting.bytes = args.size;
        setting.files = args.files;
        setting
    };
    printer.hosts(&setting().hosts)?;
    for case in chosen {
        let setting = setting();
        let outcome = runtime.block_on(case.run(&setting));
        printer.played(Played {
            case,
            outcome,
            transcript: setting.transcript,
        })?;
    }
    let all_passed = printer.end()?;
    Ok(match all_passed {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
