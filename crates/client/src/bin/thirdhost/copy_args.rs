//! The options of `cp`, and how sizes and times are written in them.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;
use thirdhost_client::STREAMS_MAX;

/// What `cp` copies, and how.
#[derive(Args, Debug)]
pub(crate) struct CopyArgs {
    /// Sources, and last the destination. `*`, `?` and `[…]` in a source's last parts are
    /// wildcards, unless a file of that very name is there. A destination that ends in `/`, or
    /// several sources, or wildcards: into that directory; else the destination is the new name,
    /// and of a directory what it holds goes there.
    #[arg(required = true, num_args = 2.., value_names = ["SOURCE", "DESTINATION"])]
    pub(crate) places: Vec<String>,

    /// Directories with all below.
    #[arg(short, long)]
    pub(crate) recursive: bool,

    /// Change nothing, say what would be done.
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Leave what is at the destination and not older.
    #[arg(short, long, group = "existing")]
    pub(crate) update: bool,

    /// Leave what is at the destination with the same size.
    #[arg(long, group = "existing")]
    pub(crate) size_only: bool,

    /// Leave what is at the destination with the same size and hash, where servers tell one.
    #[arg(long, group = "existing")]
    pub(crate) checksum: bool,

    /// Leave what is at the destination.
    #[arg(long, group = "existing")]
    pub(crate) ignore_existing: bool,

    /// Go on with files that were interrupted, leave those that have the same size.
    #[arg(long = "continue")]
    pub(crate) resume: bool,

    /// Remove at the destination what the source directory does not have.
    #[arg(long, requires = "recursive", conflicts_with = "files_from")]
    pub(crate) delete: bool,

    /// Only files that match (repeatable). With a `/`: the path below the source, else the name.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) include: Vec<String>,

    /// No files or directories that match (repeatable).
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,

    /// Only the files named in this file, a path below the source on each line.
    #[arg(long, value_name = "FILE")]
    pub(crate) files_from: Option<PathBuf>,

    /// No smaller files: bytes, or with k, M, G (1024).
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) min_size: Option<u64>,

    /// No larger files.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_size: Option<u64>,

    /// No older files: 2026-11-23, 2026-11-23T03:25:18 (UTC), or an age as 12h, 7d.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) newer: Option<SystemTime>,

    /// No faster through this host, all files together: bytes a second, or with k, M, G. What
    /// goes directly from server to server is not held back.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(crate) limit_rate: Option<NonZeroU64>,

    /// So many files at once, each over its own control connections.
    #[arg(short, long, value_name = "N", default_value_t = 1, value_parser = jobs)]
    pub(crate) jobs: usize,

    /// Copy each large file over so many connections at once, where one does not fill the path
    /// between two servers that know it (two thirdhostd); other files go over one.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = streams)]
    pub(crate) streams: usize,

    /// How often a file is tried again after a failure that may pass.
    #[arg(long, value_name = "N", default_value_t = RETRIES)]
    pub(crate) retries: u32,
}

impl CopyArgs {
    /// One file, and all else as it is by default.
    pub(crate) fn of(source: &str, destination: &str) -> Self {
        Self {
            places: vec![source.to_owned(), destination.to_owned()],
            recursive: false,
            dry_run: false,
            update: false,
            size_only: false,
            checksum: false,
            ignore_existing: false,
            resume: false,
            delete: false,
            include: Vec::new(),
            exclude: Vec::new(),
            files_from: None,
            min_size: None,
            max_size: None,
            newer: None,
            limit_rate: None,
            jobs: 1,
            streams: 1,
            retries: RETRIES,
        }
    }
}

fn rate(text: &str) -> Result<NonZeroU64, String> {
    let rate = size(text)?;
    NonZeroU64::new(rate).ok_or_else(|| "expected more than nothing".to_owned())
}

fn jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=64) => Ok(count),
        _ => Err("expected 1 to 64".to_owned()),
    }
}

fn streams(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=STREAMS_MAX).contains(&count) => Ok(count),
        _ => Err(format!("expected 1 to {STREAMS_MAX}")),
    }
}

fn size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (text.get(..at), 10),
        Some((at, 'm' | 'M')) => (text.get(..at), 20),
        Some((at, 'g' | 'G')) => (text.get(..at), 30),
        _ => (Some(text), 0),
    };
    digits
        .and_then(|digits| digits.parse::<u64>().ok())
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| "expected a number of bytes, or one with k, M or G".to_owned())
}

fn time(text: &str) -> Result<SystemTime, String> {
    let expected = || "expected 2026-11-23, 2026-11-23T03:25:18, 90s, 30m, 12h or 7d".to_owned();
    let age = text.char_indices().next_back().and_then(|(at, unit)| {
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            'd' => 24 * 60 * 60,
            _ => return None,
        };
        text.get(..at)?.parse::<u64>().ok()?.checked_mul(seconds)
    });
    if let Some(age) = age {
        let age = Duration::from_secs(age);
        return SystemTime::now().checked_sub(age).ok_or_else(expected);
    }
    let moment: jiff::civil::DateTime = text.parse().map_err(|_| expected())?;
    let moment = jiff::tz::TimeZone::UTC.to_timestamp(moment);
    moment.map(SystemTime::from).map_err(|_| expected())
}

const RETRIES: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_few() {
        for (text, expected) in [
            ("1", Some(1)),
            ("16", Some(16)),
            ("0", None),
            ("17", None),
            ("-1", None),
            ("4k", None),
            ("", None),
        ] {
            assert_eq!(streams(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn sizes_have_units_of_1024() {
        for (text, expected) in [
            ("0", Some(0)),
            ("10k", Some(10_240)),
            ("2M", Some(2 << 20)),
            ("1G", Some(1 << 30)),
            ("k", None),
            ("1.5M", None),
            ("99999999999999999999", None),
            ("18446744073709551615G", None),
        ] {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn times_are_moments_in_utc_or_ages() {
        let seconds = |text| {
            let time = time(text).ok()?;
            Some(
                time.duration_since(SystemTime::UNIX_EPOCH)
                    .unwrap()
                    .as_secs(),
            )
        };
        assert_eq!(seconds("1970-01-02"), Some(86_400));
        assert_eq!(seconds("1970-01-02T00:00:05"), Some(86_405));
        assert!(seconds("1d") < seconds("1h"));
        assert_eq!(seconds("soon"), None);
    }
}
