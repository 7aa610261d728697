//! From one server to another with a long way between any two of the three hosts: what counts is
//! how often somebody waits for an answer.

use std::fs;
use std::process::Command;
use std::time::Duration;

use thirdhost_lab::{Host, Lab, Options};

use crate::args::Args;
use crate::drive::{Between, Cost, Drive, Driver};
use crate::failure::{Failure, Result, While};
use crate::peers::{self, GRIDFTP, OURS, Pair};
use crate::server::float;
use crate::stage::{SHORT_BYTES, Stage};
use crate::streams;
use crate::table::Report;
use crate::work::{Figure, Subject as _, Work, all_interleaved};

/// Measures third-party transfers of short files over a long way, and reports.
pub(crate) fn measure(args: &Args, report: &mut Report) -> Result<()> {
    if let Some(missing) = thirdhost_lab::missing() {
        report.lacks(missing);
        return Ok(());
    }
    let lab = Lab::up(&options(args)).during("bringing up three hosts")?;
    let stage = Stage::new(args.dir.as_deref(), streams::BYTES)?;
    if args.in_namespace {
        name_hosts(&stage)?;
    }
    let pairs = peers::start_far_pairs(&lab, &stage, &args.binary(), &args.only)?;
    report.ran_in(format!(
        "three network namespaces {} ms apart (round trip)",
        args.round_trip
    ));
    report.ran_under(CONGESTION_CONTROL);
    let sources: Vec<_> = pairs.iter().map(|pair| &pair.source).collect();
    report.has(&stage, &sources);
    let drive = Drive {
        args,
        stage: &stage,
        lab: Some(&lab),
        seconds_max: SECONDS_MAX,
    };
    let mut between: Vec<_> = pairs.iter().map(Pair::between).collect();
    for files in [FEW, MANY] {
        let tree = format!("tree-{files}");
        stage.plant_tree(&tree, files)?;
        let unended = alike(&drive, report, &between, &tree, files);
        // Who does not end with few does not with many.
        between.retain(|between| !unended.contains(&between.name));
    }
    mixed(&drive, report, &pairs);
    streams::measure(&drive, report, &pairs)?;
    let counts = lab.counts().during("counting packets")?;
    eprint!("{counts}");
    report.remark(format!(
        "Packets that arrived more than 1 ms late: {}; that were not read in time: {}",
        counts.late(),
        Host::ALL
            .map(|host| counts.unread(host))
            .iter()
            .sum::<u64>(),
    ));
    Ok(())
}

/// Two of a kind. Gives those that did not end.
fn alike(
    drive: &Drive<'_>,
    report: &mut Report,
    between: &[Between<'_>],
    tree: &str,
    files: usize,
) -> Vec<&'static str> {
    let name = format!("{files} files of {SHORT_BYTES} bytes in 10 folders, own client");
    let works = vec![(name, Driver::Own, always())];
    measure_all(drive, report, works, between, (tree, files))
}

/// One of ours and a classic server, in both directions, told by thirdhost and by lftp over the
/// same number of connections: the one stands in the column of ours, the other in that of the
/// classic server.
fn mixed(drive: &Drive<'_>, report: &mut Report, pairs: &[Pair]) {
    let Some(ours) = pairs.iter().find(|pair| pair.name() == OURS) else {
        return;
    };
    let classic = |pair: &&Pair| ![OURS, GRIDFTP].contains(&pair.name());
    for pair in pairs.iter().filter(classic) {
        let name = pair.name();
        for (source, destination, way) in [
            (&pair.source, &ours.destination, format!("from {name}")),
            (&ours.source, &pair.destination, format!("to {name}")),
        ] {
            let between = [OURS, name].map(|name| Between {
                name,
                source,
                destination,
            });
            let name = format!("{FEW} files of {SHORT_BYTES} bytes {way}, {AT_ONCE} connections");
            let tree = format!("tree-{FEW}");
            let works = vec![(name, Driver::Either { at_once: AT_ONCE }, always())];
            measure_all(drive, report, works, &between, (&tree, FEW));
        }
    }
}

/// A work: its name, who drives, and at whom.
type Asked = (String, Driver, fn(&Between<'_>) -> bool);

fn measure_all(
    drive: &Drive<'_>,
    report: &mut Report,
    asked: Vec<Asked>,
    between: &[Between<'_>],
    (tree, files): (&str, usize),
) -> Vec<&'static str> {
    let round_trip = Duration::from_millis(u64::from(drive.args.round_trip));
    let works = asked
        .into_iter()
        .filter(|(name, ..)| drive.args.wants(name));
    let works = works.map(|(name, driver, applies)| Work {
        name,
        figures: &FIGURES,
        runs: drive.args.runs(),
        once: Box::new(move |between: &Between<'_>| {
            let cost = drive.many(*between, driver, tree, files)?;
            Ok(figures(cost, files, round_trip))
        }),
        applies,
    });
    let works: Vec<Work<'_, Between<'_>>> = works.collect();
    let mut unended = Vec::new();
    for (work, outcomes) in works.iter().zip(all_interleaved(&works, between)) {
        let failed = outcomes.iter().filter(|outcome| outcome.values.is_err());
        unended.extend(failed.map(|outcome| outcome.server));
        report.add(work, outcomes);
    }
    unended
}

fn figures(cost: Cost, files: usize, round_trip: Duration) -> Vec<f64> {
    let seconds = cost.time.as_secs_f64();
    vec![
        float(files as u64) / seconds,
        seconds / round_trip.as_secs_f64(),
    ]
}

fn always() -> fn(&Between<'_>) -> bool {
    |_| true
}

fn options(args: &Args) -> Options {
    Options {
        delay: Duration::from_millis(u64::from(args.round_trip)) / 2,
        congestion_control: Some(CONGESTION_CONTROL.to_owned()),
        ..Options::default()
    }
}

/// The GridFTP server does not start where its address has no name. Nobody else sees these: what
/// is mounted is ours alone.
fn name_hosts(stage: &Stage) -> Result<()> {
    let mut names = fs::read_to_string(HOSTS).unwrap_or_default();
    for host in Host::ALL {
        names.push_str(&format!("\n{} {host}", host.address()));
    }
    let file = stage.of_peer("names")?.join("hosts");
    fs::write(&file, names + "\n").during(file.display())?;
    let mut mount = Command::new("mount");
    mount.arg("--bind").arg(&file).arg(HOSTS);
    let mounted = mount.status().during("mount")?;
    let failed = || Failure::new(format!("mount over {HOSTS}: {mounted}"));
    mounted.success().then_some(()).ok_or_else(failed)
}

const HOSTS: &str = "/etc/hosts";

/// All of a run, from the start of the client to its end, as so many round trips.
const FIGURES: [Figure; 2] = [Figure::more("files/s"), Figure::less("round trips")];

const FEW: usize = 200;
const MANY: usize = 2_000;

/// What lftp is at its best with.
const AT_ONCE: usize = 10;

const CONGESTION_CONTROL: &str = "reno";

/// Beside what the files take: logins, and listing ten folders one by one.
const SECONDS_MAX: u64 = 30;
