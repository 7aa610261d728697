//! The command line of `cargo xtask e2e`.

use clap::Parser;
use clap::builder::PossibleValuesParser;
use thirdhost_harness::cases;

/// Two servers and a user in one process: files move directly from SITE1 to SITE2 over real TCP,
/// and what is on the disks afterwards is compared byte for byte.
///
/// Exits 0 if every case passed, 1 if one did not, 2 if the command line is wrong.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask e2e", bin_name = "cargo xtask e2e")]
pub(crate) struct Args {
    /// Bytes a case moves; K, M and G are powers of 1024
    #[arg(long, value_name = "BYTES", default_value = DEFAULT_SIZE, value_parser = size)]
    pub(crate) size: u64,
    /// Files among which the cases with many files divide them
    #[arg(long, value_name = "N", default_value_t = DEFAULT_FILES,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) files: u32,
    /// Play this case alone; may be given more than once
    #[arg(long, value_name = "CASE", value_parser = names(), hide_possible_values = true)]
    only: Vec<String>,
    /// Print one JSON object for each case
    #[arg(long)]
    pub(crate) json: bool,
    /// Show the dialogue of every case
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// List the cases and what they show
    #[arg(long)]
    pub(crate) list: bool,
}

impl Args {
    /// Whether the case is to be played.
    pub(crate) fn wants(&self, case: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == case)
    }

    /// The command that plays one case again, dialogue and all.
    pub(crate) fn to_repeat(&self, case: &str) -> String {
        let mut command = format!("cargo xtask e2e --only {case} -v");
        if Ok(self.size) != size(DEFAULT_SIZE) {
            command.push_str(&format!(" --size {}", self.size));
        }
        if self.files != DEFAULT_FILES {
            command.push_str(&format!(" --files {}", self.files));
        }
        command
    }
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(cases::ALL.iter().map(|case| case.name))
}

fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text.strip_prefix(digits).unwrap_or_default() {
        "" => 1,
        "K" | "k" => 1 << 10,
        "M" | "m" => 1 << 20,
        "G" | "g" => 1 << 30,
        _ => return Err("expected a number and nothing, K, M or G behind it".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| "expected a number".to_owned())?;
    match number.checked_mul(factor) {
        None => Err("too large".to_owned()),
        Some(bytes) if bytes < SIZE_MIN => Err(format!("expected at least {SIZE_MIN} bytes")),
        Some(bytes) => Ok(bytes),
    }
}

/// Large enough for every buffer on the way to fill, small enough to be done at once.
const DEFAULT_SIZE: &str = "16M";
const DEFAULT_FILES: u32 = 32;

/// A file needs a middle for its source to die in.
const SIZE_MIN: u64 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from(["e2e"].iter().chain(words))
    }

    #[test]
    fn sizes_are_read() {
        let cases = [("2", 2), ("3K", 3072), ("10m", 10 << 20), ("1G", 1 << 30)];
        for (text, bytes) in cases {
            assert_eq!(parsed(&["--size", text]).unwrap().size, bytes, "{text}");
        }
        for text in ["", "1", "0K", "K", "1KB", "1.5M", "-1", "99999999999G"] {
            parsed(&["--size", text]).unwrap_err();
        }
    }

    #[test]
    fn a_case_can_be_chosen_and_repeated() {
        let args = parsed(&[]).unwrap();
        assert!(args.wants("append") && args.wants("copy"));
        assert_eq!(args.to_repeat("copy"), "cargo xtask e2e --only copy -v");
        let args = parsed(&["--only", "copy", "--size", "1K", "--files", "2"]).unwrap();
        assert!(args.wants("copy") && !args.wants("append"));
        let again = args.to_repeat("copy");
        assert_eq!(
            again,
            "cargo xtask e2e --only copy -v --size 1024 --files 2"
        );
        let words: Vec<&str> = again.split(' ').skip(3).collect();
        assert_eq!(parsed(&words).unwrap().size, 1024);
        parsed(&["--only", "nothing"]).unwrap_err();
    }
}
