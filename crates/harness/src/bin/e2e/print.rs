//! What `cargo xtask e2e` prints: the example's dialogue, a table, and what went wrong.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use thirdhost_harness::cases::Case;
use thirdhost_harness::{Evidence, Failed, Hosts, Layout, SITE1, SITE2, Transcript};

use crate::args::Args;

/// A case that was played.
pub(crate) struct Played {
    pub(crate) case: &'static Case,
    pub(crate) outcome: Result<Evidence, Failed>,
    pub(crate) transcript: Arc<Transcript>,
}

/// Prints cases as they end; with dialogues, the table comes last.
pub(crate) struct Printer<'a, W> {
    args: &'a Args,
    out: W,
    /// Rows that wait for the dialogues before them.
    rows: Vec<String>,
    has_header: bool,
    passed: usize,
    failures: Vec<Played>,
}

impl<'a, W: Write> Printer<'a, W> {
    pub(crate) fn new(args: &'a Args, out: W) -> Self {
        Self {
            args,
            out,
            rows: Vec::new(),
            has_header: false,
            passed: 0,
            failures: Vec::new(),
        }
    }

    /// Says which cases there are.
    pub(crate) fn list(&mut self, cases: impl Iterator<Item = &'static Case>) -> io::Result<()> {
        for case in cases {
            writeln!(
                self.out,
                "{:15}  {:14}  {}",
                case.name, case.arrangement, case.shows
            )?;
        }
        Ok(())
    }

    /// Says who is where.
    pub(crate) fn hosts(&mut self, hosts: &Hosts) -> io::Result<()> {
        if self.args.json {
            return Ok(());
        }
        let Hosts { user, site1, site2 } = hosts;
        writeln!(
            self.out,
            "The user is at {user}, {SITE1} at {site1}, {SITE2} at {site2}."
        )?;
        if !hosts.are_distinct() {
            writeln!(self.out, "(This system has no other loopback addresses.)")?;
        }
        writeln!(self.out)
    }

    /// Prints what there is to say about a case now, and keeps the rest for the end.
    pub(crate) fn played(&mut self, played: Played) -> io::Result<()> {
        if self.args.json {
            self.json(&played)?;
        } else {
            self.dialogue(&played)?;
            let row = row(&played);
            if self.args.verbose {
                self.rows.push(row);
            } else {
                self.header()?;
                writeln!(self.out, "{row}")?;
            }
        }
        self.out.flush()?;
        match played.outcome {
            Ok(_) => self.passed += 1,
            Err(_) => self.failures.push(played),
        }
        Ok(())
    }

    /// Prints the rest. Whether every case passed.
    pub(crate) fn end(mut self) -> io::Result<bool> {
        let all_passed = self.failures.is_empty();
        if self.args.json {
            return Ok(all_passed);
        }
        if self.args.verbose {
            self.header()?;
        }
        for row in &self.rows {
            writeln!(self.out, "{row}")?;
        }
        writeln!(self.out)?;
        for played in &self.failures {
            failure(&mut self.out, self.args, played)?;
        }
        let (passed, failed) = (self.passed, self.failures.len());
        if all_passed {
            let cases = if passed == 1 { "case" } else { "cases" };
            writeln!(
                self.out,
                "{passed} {cases} passed; every byte went from site to site."
            )?;
        } else {
            writeln!(self.out, "{failed} of {} cases FAILED.", passed + failed)?;
        }
        Ok(all_passed)
    }

    fn dialogue(&mut self, played: &Played) -> io::Result<()> {
        let case = played.case;
        if !case.is_example && !self.args.verbose {
            return Ok(());
        }
        let layout = match self.args.verbose {
            true => Layout::Full,
            false => Layout::Example,
        };
        writeln!(self.out, "{}: {}\n", case.name, case.shows)?;
        let columns = played.transcript.columns(SITE1, SITE2, layout);
        writeln!(self.out, "{columns}")
    }

    fn header(&mut self) -> io::Result<()> {
        if !self.has_header {
            self.has_header = true;
            let header = columns(
                "case",
                "arrangement",
                "bytes",
                "time",
                "via user",
                "verdict",
            );
            writeln!(self.out, "{header}")?;
        }
        Ok(())
    }

    fn json(&mut self, played: &Played) -> io::Result<()> {
        let evidence = played.outcome.as_ref().ok();
        let dialogue = played.transcript.columns(SITE1, SITE2, Layout::Full);
        let lines = dialogue.lines().map(str::to_owned).collect();
        let (verdict, failure) = match &played.outcome {
            Ok(_) => ("passed", None),
            Err(error) => ("failed", Some(Failure::of(error, self.args, played.case))),
        };
        let line = Line {
            case: played.case.name,
            arrangement: played.case.arrangement,
            bytes: evidence.map(|evidence| evidence.bytes),
            seconds: evidence.map(|evidence| evidence.elapsed.as_secs_f64()),
            bytes_via_user: evidence.map(|evidence| evidence.via_user),
            verdict,
            failure,
            dialogue: self.args.verbose.then_some(lines),
        };
        serde_json::to_writer(&mut self.out, &line)?;
        writeln!(self.out)
    }
}

/// One line of `--json`.
#[derive(Serialize)]
struct Line {
    case: &'static str,
    arrangement: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_via_user: Option<u64>,
    verdict: &'static str,
    #[serde(flatten)]
    failure: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dialogue: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Failure {
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    repeat: String,
}

impl Failure {
    fn of(failed: &Failed, args: &Args, case: &Case) -> Self {
        let repeat = args.to_repeat(case.name);
        match failed {
            Failed::Mismatch(mismatch) => Self {
                what: mismatch.what.clone(),
                expected: Some(mismatch.expected.clone()),
                found: Some(mismatch.found.clone()),
                repeat,
            },
            other => Self {
                what: other.to_string(),
                expected: None,
                found: None,
                repeat,
            },
        }
    }
}

fn failure(out: &mut impl Write, args: &Args, played: &Played) -> io::Result<()> {
    let (case, Err(failed)) = (played.case, &played.outcome) else {
        return Ok(());
    };
    let failure = Failure::of(failed, args, case);
    writeln!(out, "FAILED {}: {}", case.name, case.shows)?;
    writeln!(out, "  what      {}", failure.what)?;
    if let (Some(expected), Some(found)) = (failure.expected, failure.found) {
        writeln!(out, "  expected  {expected}")?;
        writeln!(out, "  found     {found}")?;
    }
    writeln!(out, "  repeat    {}", failure.repeat)?;
    writeln!(out)
}

fn row(played: &Played) -> String {
    let case = played.case;
    let Ok(evidence) = &played.outcome else {
        return columns(case.name, case.arrangement, "-", "-", "-", "FAILED");
    };
    let (bytes, time) = match evidence.bytes {
        // Nothing was to arrive.
        0 => ("0".to_owned(), "-".to_owned()),
        bytes => (grouped(bytes), time(evidence.elapsed)),
    };
    let via_user = grouped(evidence.via_user);
    columns(
        case.name,
        case.arrangement,
        &bytes,
        &time,
        &via_user,
        "passed",
    )
}

fn columns(
    case: &str,
    arrangement: &str,
    bytes: &str,
    time: &str,
    via_user: &str,
    verdict: &str,
) -> String {
    format!("{case:15}  {arrangement:14} {bytes:>15}  {time:>8}  {via_user:>8}  {verdict}")
}

fn time(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        0 => format!("{:.1} ms", elapsed.as_secs_f64() * 1000.0),
        _ => format!("{:.2} s", elapsed.as_secs_f64()),
    }
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use thirdhost_harness::cases;
    use thirdhost_harness::check::Mismatch;

    use super::*;

    /// What is printed when the first case passes and the second does not.
    fn printed(words: &[&str]) -> String {
        let args = Args::try_parse_from(["e2e"].iter().chain(words)).unwrap();
        let mut out = Vec::new();
        let mut printer = Printer::new(&args, &mut out);
        let mismatch = Mismatch::new("a file", "5 bytes", "4 bytes");
        let mut passed = Evidence::default();
        (passed.bytes, passed.elapsed) = (1234567, Duration::from_micros(1500));
        for (case, outcome) in cases::ALL.iter().zip([Ok(passed), Err(mismatch.into())]) {
            let transcript = Arc::default();
            let played = Played {
                case,
                outcome,
                transcript,
            };
            printer.played(played).unwrap();
        }
        assert!(!printer.end().unwrap());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_failure_says_what_and_how_to_repeat_it() {
        let text = printed(&["--size", "5"]);
        for line in [
            "append           LSTN R + SOCK        1,234,567    1.5 ms         0  passed\n",
            "mirror           LSTN S + SOCK                -         -         -  FAILED\n",
            "  expected  5 bytes\n  found     4 bytes\n",
            "  repeat    cargo xtask e2e --only mirror -v --size 5\n",
            "\n1 of 2 cases FAILED.\n",
        ] {
            assert!(text.contains(line), "{line}\nis not in\n{text}");
        }
    }

    #[test]
    fn json_is_one_object_for_each_case_and_nothing_else() {
        let text = printed(&["--json"]);
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let [passed, failed] = lines.try_into().unwrap();
        assert_eq!(
            (&passed["verdict"], &passed["bytes"]),
            (&"passed".into(), &1234567.into())
        );
        assert_eq!(
            (&failed["verdict"], &failed["found"]),
            (&"failed".into(), &"4 bytes".into())
        );
    }

    #[test]
    fn numbers_are_grouped() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1234567, "1,234,567"),
        ];
        for (number, expected) in cases {
            assert_eq!(grouped(number), expected);
        }
    }
}
