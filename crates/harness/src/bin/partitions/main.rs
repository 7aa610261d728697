//! `cargo xtask partitions`: two real servers and a client in three hosts, a link cut at every
//! step of a transfer in every way, and one oracle for all of it.

#[cfg(target_os = "linux")]
mod args;
#[cfg(target_os = "linux")]
mod case;
#[cfg(target_os = "linux")]
mod oracle;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod scene;
#[cfg(target_os = "linux")]
mod site;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use clap::Parser as _;
    use thirdhost_lab::Inside;

    let args = args::Args::parse();
    if let Some(missing) = thirdhost_lab::missing() {
        if thirdhost_lab::is_required() {
            eprintln!("partitions: {missing}; with THIRDHOST_REQUIRE_LAB nothing is left out");
            return ExitCode::FAILURE;
        }
        println!("partitions: left out: {missing}");
        return ExitCode::SUCCESS;
    }
    let ended = || match thirdhost_lab::inside()? {
        Inside::Elsewhere(code) => Ok(code),
        Inside::Here => run::run(&args),
    };
    ended().unwrap_or_else(|error: std::io::Error| {
        eprintln!("partitions: {error}");
        ExitCode::FAILURE
    })
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("partitions: left out: network namespaces are Linux's");
    ExitCode::SUCCESS
}
