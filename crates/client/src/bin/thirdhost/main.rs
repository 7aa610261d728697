//! `thirdhost`: copies files directly between two FTP servers, and lists, fetches and stores them.

mod args;
mod bars;
mod between;
mod cache;
mod console;
mod cp;
mod credentials;
mod events;
mod failure;
mod local;
mod names;
mod netrc;
mod overlap;
mod probe;
mod session;
mod sites;
mod warnings;
mod watch;

use std::io::Write as _;
use std::thread;

use clap::Parser as _;
use thirdhost_client::{ExitCode, Interrupt, escape};

use crate::args::{Args, Verb};
use crate::console::Console;
use crate::failure::Failure;

// On this thread alone, which waits for the network itself: of several, one would have to wake
// another for every reply.
#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let code = if error.use_stderr() {
                ExitCode::Usage
            } else {
                ExitCode::Done
            };
            // Nobody is left to tell if this fails.
            let _unheard = error.print();
            return code.into();
        }
    };
    let console = Console::new(&args);
    hear_interrupts(console.environment().interrupt.clone());
    match Box::pin(run(args, &console)).await {
        Ok(code) => code.into(),
        Err(failure) if failure.is_broken_pipe() => ExitCode::Done.into(),
        Err(failure) => {
            let code = failure.exit_code();
            console.failed(&failure.to_string(), code);
            if !console.is_json() {
                let text = escape(&failure.to_string());
                let _unheard = writeln!(std::io::stderr(), "thirdhost: {text}");
            }
            code.into()
        }
    }
}

/// On a thread of its own, so that Ctrl-C is heard while a password is asked for.
fn hear_interrupts(interrupt: Interrupt) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    // Without it Ctrl-C has its usual effect.
    if let Ok(runtime) = runtime {
        thread::spawn(move || runtime.block_on(stop_on_interrupt(interrupt)));
    }
}

/// The first Ctrl-C or SIGTERM ends things in good order, the second Ctrl-C at once.
async fn stop_on_interrupt(interrupt: Interrupt) {
    if told_to_stop().await.is_err() {
        return;
    }
    interrupt.trip();
    let text = "thirdhost: stopping; once more stops at once";
    let _unheard = writeln!(std::io::stderr(), "{text}");
    if tokio::signal::ctrl_c().await.is_ok() {
        std::process::exit(ExitCode::Stopped.number().into());
    }
}

#[cfg(unix)]
async fn told_to_stop() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        biased;
        stop = tokio::signal::ctrl_c() => stop,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn told_to_stop() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

async fn run(args: Args, console: &Console) -> Result<ExitCode, Failure> {
    let policy = args.policy();
    match args.verb {
        Verb::Cp(args) => return cp::run(console, policy, &args, cp::Source::Kept).await,
        Verb::Probe {
            source,
            destination,
            read_only,
        } => return probe::run(console, policy, &source, &destination, read_only).await,
        Verb::Append {
            source,
            destination,
        } => between::append(console, policy, &source, &destination).await,
        Verb::Mv {
            source,
            destination,
        } => return between::rename(console, policy, &source, &destination).await,
        Verb::Get { place, file } => local::get(console, &place, file.as_deref()).await,
        Verb::Put { file, place } => local::put(console, &file, &place).await,
        Verb::Cat { place } => local::cat(console, &place).await,
        Verb::Ls { place } => names::list(console, &place).await,
        Verb::Stat { place } => names::stat(console, &place).await,
        Verb::Rm { place } => names::remove(console, &place).await,
        Verb::Mkdir { place } => names::make_directory(console, &place).await,
        Verb::Site(verb) => sites::run(console, &verb),
    }?;
    Ok(ExitCode::Done)
}
