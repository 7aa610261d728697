//! The command line of `cargo xtask interop`.

use clap::Parser;
use clap::builder::PossibleValuesParser;
use thirdhost_harness::peers;

/// Copies files between every ordered pair of FTP servers, in clear text and under TLS, and
/// compares what is on the disks afterwards.
///
/// Exits 1 if bytes differ, if they went through this host although the servers can meet, or if
/// the published table says otherwise.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask interop", bin_name = "cargo xtask interop")]
pub(crate) struct Args {
    /// Only from this server
    #[arg(long, value_name = "SERVER", value_parser = names())]
    pub(crate) from: Option<String>,
    /// Only to this server
    #[arg(long, value_name = "SERVER", value_parser = names())]
    pub(crate) to: Option<String>,
    /// Only in clear text
    #[arg(long, conflicts_with = "tls")]
    pub(crate) plain: bool,
    /// Only under TLS
    #[arg(long)]
    pub(crate) tls: bool,
    /// Write the published table
    #[arg(long, conflicts_with_all = ["from", "to", "plain", "tls"])]
    pub(crate) write: bool,
    /// Show what was refused, and the dialogue of what failed
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(peers::ALL.iter().map(|peer| peer.name()))
}
