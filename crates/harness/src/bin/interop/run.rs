//! A run: the pairs one after the other, a line for each, and what is wrong at the end.

use std::io::{self, Write as _};

use thirdhost_harness::peers::Running;

use crate::args::Args;
use crate::copy::{Person, Way};
use crate::document::{self, Row};
use crate::expected;
use crate::fleet::{DESTINATION, Fleet, SOURCE};

/// Whether all is as it should be.
pub(crate) fn run(args: &Args) -> io::Result<bool> {
    let person = Person::new(&[SOURCE, DESTINATION])?;
    let mut rows = Vec::new();
    let mut servers = Vec::new();
    for tls in [false, true] {
        if (args.plain && tls) || (args.tls && !tls) {
            continue;
        }
        let fleet = Fleet::start(tls).map_err(io::Error::other)?;
        for from in fleet.sources.iter().filter(|from| wanted(&args.from, from)) {
            for to in fleet.destinations.iter().filter(|to| wanted(&args.to, to)) {
                rows.push(pair(&person, from, to, tls, args.verbose)?);
            }
        }
        if !tls || servers.is_empty() {
            servers = document::servers(&fleet.sources);
        }
    }
    let wrong: Vec<String> = rows.iter().filter_map(expected::wrong).collect();
    let mut out = io::stdout().lock();
    for line in &wrong {
        writeln!(out, "WRONG {line}")?;
    }
    let direct = |row: &&Row| matches!(row.way, Way::Direct { .. });
    let direct = rows.iter().filter(direct).count();
    writeln!(
        out,
        "{} pairs: {direct} direct, {} wrong",
        rows.len(),
        wrong.len()
    )?;
    if args.write && wrong.is_empty() {
        document::write(&servers, &rows)?;
    }
    let published = document::holds(&rows)?;
    if !published {
        writeln!(out, "{STALE}")?;
    }
    Ok(wrong.is_empty() && published)
}

fn wanted(name: &Option<String>, running: &Running) -> bool {
    name.as_ref()
        .is_none_or(|name| name == running.peer().name())
}

fn pair(
    person: &Person,
    from: &Running,
    to: &Running,
    tls: bool,
    verbose: bool,
) -> io::Result<Row> {
    let copied = person.copy(from, to, tls)?;
    let row = Row {
        from: from.peer().name(),
        to: to.peer().name(),
        tls,
        way: copied.way,
        refusals: copied.refusals,
    };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:<5} {:<10} -> {:<10} {} ({:.1} s)",
        if tls { "TLS" } else { "plain" },
        row.from,
        row.to,
        row.way,
        copied.seconds
    )?;
    if verbose {
        for refusal in &row.refusals {
            writeln!(out, "        {refusal}")?;
        }
        for line in copied
            .dialogue
            .lines()
            .rev()
            .take(LINES)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            writeln!(out, "        {line}")?;
        }
    }
    Ok(row)
}

const STALE: &str = "\
WRONG crates/client/INTEROP.md says otherwise; `cargo xtask interop --write` writes it anew";

/// Of a dialogue, what was said last.
const LINES: usize = 60;
