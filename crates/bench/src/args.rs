//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measures thirdhostd beside the FTP servers found on this machine.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
pub(crate) struct Args {
    /// What to measure.
    pub(crate) verb: Verb,
    /// How often each thing is measured; servers take turns.
    #[arg(long, value_name = "N")]
    runs: Option<usize>,
    /// How long the large file is, in MiB.
    #[arg(long, value_name = "MIB")]
    size: Option<u64>,
    /// How many sessions are held idle: 1,000, and 10,000 in a whole run; at most 1,000 where each
    /// is a process.
    #[arg(long, value_name = "N")]
    sessions: Option<usize>,
    /// How long a round trip takes between any two hosts of `wan`, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 50)]
    pub(crate) round_trip: u32,
    /// Servers to measure, by their names in the table, parted by commas.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) only: Vec<String>,
    /// Works to measure: those whose name holds one of these, parted by commas.
    #[arg(long, value_delimiter = ',', value_name = "WORDS")]
    pub(crate) works: Vec<String>,
    /// Two runs of a short file: to see that it works, not for figures.
    #[arg(long)]
    quick: bool,
    /// Where the files lie; by default in memory.
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) dir: Option<PathBuf>,
    /// The thirdhostd to measure; by default the one built beside this program.
    #[arg(long, value_name = "FILE")]
    thirdhostd: Option<PathBuf>,
    /// The thirdhost that drives it; by default the one built beside this program.
    #[arg(long, value_name = "FILE")]
    thirdhost: Option<PathBuf>,
    /// Where the JSON goes.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Puts the table into a markdown file, in the place of the one of the same verb.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = RESULTS)]
    pub(crate) write: Option<PathBuf>,
    /// Stays in the network that is there, with its congestion control.
    #[arg(long)]
    pub(crate) here: bool,
    /// Set where it has been started again in namespaces of its own.
    #[arg(long, hide = true)]
    pub(crate) in_namespace: bool,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Verb {
    /// Large files, TLS, logins, idle sessions, listings.
    Server,
    /// Large files under TLS alone, to and from one server and from one to another.
    Tls,
    /// Memory per idle session alone.
    Sessions,
    /// From one server to another of its kind: a large file, and many short ones.
    ThirdParty,
    /// From one server to another with a long way between them: many short files.
    Wan,
    /// All of these, one after the other.
    All,
}

impl Args {
    /// How often each thing is measured.
    pub(crate) fn runs(&self) -> usize {
        self.runs.unwrap_or(if self.quick { 2 } else { 5 }).max(1)
    }

    /// How long the large file is, in bytes.
    pub(crate) fn size(&self) -> u64 {
        let mib = self.size.unwrap_or(if self.quick { 256 } else { 1024 });
        mib.saturating_mul(1024 * 1024)
    }

    /// How many sessions are held idle.
    pub(crate) fn sessions(&self) -> usize {
        self.sessions.unwrap_or(match self.verb {
            Verb::All if !self.quick => 10_000,
            _ => 1_000,
        })
    }

    /// How long logins and listings are counted, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        if self.quick { 0.5 } else { 1.5 }
    }

    /// Whether the work of this name is asked for.
    pub(crate) fn wants(&self, work: &str) -> bool {
        self.works.is_empty() || self.works.iter().any(|word| work.contains(word.as_str()))
    }

    /// The thirdhostd to measure.
    pub(crate) fn binary(&self) -> PathBuf {
        beside(self.thirdhostd.as_ref(), "thirdhostd")
    }

    /// The thirdhost that drives it.
    pub(crate) fn client(&self) -> PathBuf {
        beside(self.thirdhost.as_ref(), "thirdhost")
    }
}

fn beside(given: Option<&PathBuf>, name: &str) -> PathBuf {
    let this = std::env::current_exe().ok();
    let beside = || this.map(|this| this.with_file_name(name));
    let binary = given.cloned().or_else(beside);
    binary.unwrap_or_else(|| PathBuf::from(name))
}

/// Where the tables of a whole run are kept, from the root of the project.
pub(crate) const RESULTS: &str = "crates/bench/RESULTS.md";
