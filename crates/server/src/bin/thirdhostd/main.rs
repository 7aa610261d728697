//! thirdhostd: arguments, configuration, then the library.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use thirdhost_server::config::Config;

mod args;
mod log;
mod serve;
mod service;
mod user;

use args::{Args, Task, UserTask};

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("thirdhostd: {}", chain(error.as_ref()));
            ExitCode::from(BAD_USAGE_OR_CONFIGURATION)
        }
    }
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    if let Some(Task::User(UserTask::Set { name, users })) = &args.task {
        return Ok(user::set(name, users)?);
    }
    let (check, file) = (args.check, args.config.clone());
    let config = resolve(args)?;
    if check {
        for warning in config.warnings() {
            eprintln!("warning: {warning}");
        }
        writeln!(io::stdout(), "the configuration is good").ok();
        return Ok(());
    }
    log::to_stderr(&config.log);
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    serve::serve(config, file)
}

/// The configuration: the file's, or the quick start's, with what the flags replace.
fn resolve(args: Args) -> Result<Config, Box<dyn Error>> {
    let here = || PathBuf::from(".");
    let mut config = match &args.config {
        Some(file) => Config::load(file)?,
        None => Config::quick_start(args.root.clone().unwrap_or_else(here)),
    };
    if let Some(root) = args.root {
        config.root = root;
    }
    if !config.root.is_dir() {
        let root = config.root.display();
        return Err(format!("--root: {root}: no such directory; expected a directory").into());
    }
    if !args.listen.is_empty() {
        config.listen = args.listen;
    }
    Ok(config)
}

/// An error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

const BAD_USAGE_OR_CONFIGURATION: u8 = 2;
