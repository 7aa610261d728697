//! Writes the man pages and shell completions of thirdhost into a directory; `cargo xtask dist`
//! runs it.

use std::error::Error;
use std::path::PathBuf;

use clap::CommandFactory;
use clap_complete::Shell;

#[expect(dead_code, reason = "the arguments are described here, not used")]
#[path = "../src/bin/thirdhost/args.rs"]
mod args;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args_os().nth(1).map(PathBuf::from);
    let directory = directory.ok_or("expected a directory to write to")?;
    let (man, completions) = (directory.join("man"), directory.join("completions"));
    std::fs::create_dir_all(&man)?;
    std::fs::create_dir_all(&completions)?;
    clap_mangen::generate_to(args::Args::command(), &man)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut args::Args::command(), "thirdhost", &completions)?;
    }
    Ok(())
}
