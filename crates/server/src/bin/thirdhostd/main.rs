//! thirdhostd: arguments, configuration, then the library.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use thirdhost_server::config::Config;

mod args;
mod descriptors;
mod explain;
mod log;
mod sandbox;
mod serve;
mod service;
mod tls;
mod user;

use args::{Args, SandboxTask, Source, Task, TlsTask, UserTask};

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(code) => code,
        Err(error) => {
            log::tell(format_args!("thirdhostd: {}", chain(error.as_ref())));
            ExitCode::from(BAD_USAGE_OR_CONFIGURATION)
        }
    }
}

fn run(args: Args) -> Result<ExitCode, Box<dyn Error>> {
    match &args.task {
        Some(Task::User(UserTask::Set { name, users })) => user::set(name, users)?,
        Some(Task::User(UserTask::Remove { name, users })) => user::remove(name, users)?,
        Some(Task::User(UserTask::List { users })) => user::list(users)?,
        Some(Task::Explain(source)) => explain::explain(source)?,
        Some(Task::Tls(TlsTask::SelfSigned { out, names })) => tls::self_sign(out, names)?,
        Some(Task::Sandbox(task)) => return try_sandbox(task),
        None => check_or_serve(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn check_or_serve(args: Args) -> Result<(), Box<dyn Error>> {
    let config = resolve(args.source.clone())?;
    if args.check {
        for warning in config.warnings() {
            log::tell(format_args!("warning: {warning}"));
        }
        writeln!(io::stdout(), "the configuration is good").ok();
        return Ok(());
    }
    log::to_stderr(&config.log);
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    descriptors::raise(config.sessions.most);
    let file = args.source.config.as_deref();
    sandbox::confine(&config, file, args.require_sandbox)?;
    serve::serve(config, args.source)
}

fn try_sandbox(task: &SandboxTask) -> Result<ExitCode, Box<dyn Error>> {
    let source = task.source.clone();
    let config = resolve(source.clone())?;
    let holds = sandbox::check::check(&config, source.config.as_deref())?;
    Ok(match holds {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(NOT_CONFINED),
    })
}

/// The configuration: the file's, or the quick start's, with what the flags replace.
fn resolve(source: Source) -> Result<Config, Box<dyn Error>> {
    let here = || PathBuf::from(".");
    let mut config = match &source.config {
        Some(file) => Config::load(file)?,
        None => Config::quick_start(source.root.clone().unwrap_or_else(here)),
    };
    if let Some(root) = source.root {
        config.root = root;
    }
    if !config.root.is_dir() {
        let what = match config.root.exists() {
            true => "not a directory",
            false => "no such directory",
        };
        let root = config.root.display();
        return Err(format!("--root: {root}: {what}; expected one to serve").into());
    }
    if !source.listen.is_empty() {
        config.listen = source.listen;
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

const NOT_CONFINED: u8 = 1;
const BAD_USAGE_OR_CONFIGURATION: u8 = 2;
