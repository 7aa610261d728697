//! One large file over a long way that one connection does not fill, because the receiver's
//! window is narrow: over one connection, and over four.

use std::fs;

use thirdhost_lab::{Host, Lab};

use crate::drive::{Between, Drive, Driver};
use crate::failure::{Result, While};
use crate::peers::{GRIDFTP, OURS, Pair};
use crate::server::float;
use crate::table::Report;
use crate::work::{Figure, Subject as _, Work, all_interleaved};

/// Measures it between those that can do it at all, and reports.
pub(crate) fn measure(drive: &Drive<'_>, report: &mut Report, pairs: &[Pair]) -> Result<()> {
    let Some(lab) = drive.lab else {
        return Ok(());
    };
    let works = [1, 4].map(|at_once| {
        let connections = if at_once == 1 {
            "connection"
        } else {
            "connections"
        };
        let name =
            format!("one file of {MIB} MiB through a narrow window, {at_once} {connections}");
        (name, at_once)
    });
    let works = works.into_iter().filter(|(name, _)| drive.args.wants(name));
    let works = works.map(|(name, at_once)| Work {
        name,
        figures: &FIGURES,
        runs: drive.args.runs(),
        once: Box::new(move |between: &Between<'_>| {
            let cost = drive.one(*between, Driver::Streams { at_once })?;
            Ok(vec![float(BYTES) / 1e6 / cost.time.as_secs_f64()])
        }),
        applies: |between| [OURS, GRIDFTP].contains(&between.name()),
    });
    let works: Vec<Work<'_, Between<'_>>> = works.collect();
    if works.is_empty() {
        return Ok(());
    }
    let between: Vec<_> = pairs.iter().map(Pair::between).collect();
    let usual = set_window(lab, NARROW)?;
    let outcomes = all_interleaved(&works, &between);
    set_window(lab, &usual)?;
    for (work, outcomes) in works.iter().zip(outcomes) {
        report.add(work, outcomes);
    }
    report.remark(format!(
        "A narrow window: net.ipv4.tcp_rmem is \"{NARROW}\" at the destination."
    ));
    Ok(())
}

/// How much the destination's kernel takes ahead of a program; what it took before.
fn set_window(lab: &Lab, window: &str) -> Result<String> {
    let set = || {
        let before = fs::read_to_string(TCP_RMEM)?;
        fs::write(TCP_RMEM, window)?;
        Ok(before.trim().replace('\t', " "))
    };
    let set = lab
        .within(Host::B, set)
        .during("going to the destination")?;
    set.map_err(|error: std::io::Error| error).during(TCP_RMEM)
}

/// Logins and the end of the client are part of it.
const FIGURES: [Figure; 1] = [Figure::more("MB/s")];

/// How long the file is.
const MIB: u64 = 32;

/// The same in bytes.
pub(crate) const BYTES: u64 = MIB << 20;

/// Least, usual and most bytes: half of the most is what a sender may have under way.
const NARROW: &str = "4096 131072 524288";

const TCP_RMEM: &str = "/proc/sys/net/ipv4/tcp_rmem";
