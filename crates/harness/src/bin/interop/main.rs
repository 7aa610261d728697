//! `cargo xtask interop`: every ordered pair of FTP servers, files copied by the real `thirdhost`.

#[cfg(target_os = "linux")]
mod args;
#[cfg(target_os = "linux")]
mod copy;
#[cfg(target_os = "linux")]
mod document;
#[cfg(target_os = "linux")]
mod expected;
#[cfg(target_os = "linux")]
mod fleet;
#[cfg(target_os = "linux")]
mod run;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use clap::Parser as _;

    match run::run(&args::Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("interop: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("interop: left out: the servers of others are started on Linux alone");
    ExitCode::SUCCESS
}
