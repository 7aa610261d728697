//! The command line of `cargo xtask partitions`.

use clap::Parser;

/// Cuts each link between a user and two servers, at each step of a transfer, in each way, and
/// asks afterwards whether both servers are free, the files whole and the client honest.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask partitions", bin_name = "cargo xtask partitions")]
pub(crate) struct Args {
    /// A handful of cases, in less than a minute
    #[arg(long)]
    pub(crate) short: bool,
    /// Only cases whose name holds this
    #[arg(long, value_name = "WORDS")]
    pub(crate) only: Option<String>,
    /// How many cases run at the same time: most of the time all wait
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub(crate) at_once: usize,
    /// List the cases and run none
    #[arg(long)]
    pub(crate) list: bool,
    /// A line for each case as it ends, and the dialogue of the failed ones
    #[arg(short, long)]
    pub(crate) verbose: bool,
}
