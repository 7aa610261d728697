//! From one server to another of its kind, with nothing passing the user: a large file, and a
//! tree of short ones. Ours are driven by thirdhost; the others by lftp, GridFTP by its own client.

use crate::args::Args;
use crate::drive::{Drive, Driver};
use crate::failure::Result;
use crate::peers::{self, GRIDFTP, OURS, PROFTPD, Pair};
use crate::server::{SPEED, float, speed};
use crate::stage::{SHORT_BYTES, Stage};
use crate::table::Report;
use crate::work::{Figure, Subject as _, Work, interleaved};

/// Measures third-party transfers between two of each server, and reports; or those under TLS
/// alone.
pub(crate) fn measure(args: &Args, report: &mut Report, tls_alone: bool) -> Result<()> {
    let stage = Stage::new(args.dir.as_deref(), args.size())?;
    let files = stage.plant()?;
    let pairs = peers::start_pairs(&stage, &args.binary(), &args.only)?;
    report.has(
        &stage,
        &pairs.iter().map(|pair| &pair.source).collect::<Vec<_>>(),
    );
    let classic: fn(&Pair) -> bool = |pair| pair.name() != GRIDFTP;
    let drive = Drive {
        args,
        stage: &stage,
        lab: None,
        seconds_max: SECONDS_MAX,
    };
    let wanted = |driver| !tls_alone || driver == Driver::Sealed;
    for (name, driver, tree) in works(args, files)
        .into_iter()
        .filter(|(_, driver, _)| wanted(*driver))
    {
        let drive = &drive;
        let applies: fn(&Pair) -> bool = match driver {
            Driver::Own => |_| true,
            Driver::Sealed => |pair| SEALING.contains(&pair.name()),
            Driver::Either { .. } | Driver::Lftp { .. } | Driver::Streams { .. } => classic,
        };
        let work = Work {
            name,
            figures: if tree.is_some() { &FILES } else { &SPEED },
            runs: args.runs(),
            once: Box::new(move |pair: &Pair| match tree {
                Some(files) => {
                    let cost = drive.many(pair.between(), driver, "tree", files)?;
                    let files = float(files as u64);
                    let used = cost.used.as_secs_f64() * 1_000.0;
                    Ok(vec![files / cost.time.as_secs_f64(), used / files])
                }
                None => {
                    let cost = drive.one(pair.between(), driver)?;
                    Ok(speed(drive.stage.size, cost.time, cost.used))
                }
            }),
            applies,
        };
        if args.wants(&work.name) {
            let outcomes = interleaved(&work, &pairs);
            report.add(&work, outcomes);
        }
    }
    Ok(())
}

/// What goes, who drives it, and how many files that are, if it is a tree.
fn works(args: &Args, files: usize) -> [(String, Driver, Option<usize>); 5] {
    let mib = args.size() / (1024 * 1024);
    let tree = format!("{files} files of {SHORT_BYTES} bytes");
    [
        (
            format!("one file of {mib} MiB, own client"),
            Driver::Own,
            None,
        ),
        (
            format!("one file of {mib} MiB under TLS, thirdhost"),
            Driver::Sealed,
            None,
        ),
        (format!("{tree}, own client"), Driver::Own, Some(files)),
        (
            format!("{tree}, lftp -P10"),
            Driver::Lftp { at_once: 10 },
            Some(files),
        ),
        (
            format!("{tree}, lftp -P1"),
            Driver::Lftp { at_once: 1 },
            Some(files),
        ),
    ]
}

/// Who can protect what goes between two of a kind. The others have neither SSCN nor CPSV.
const SEALING: [&str; 2] = [OURS, PROFTPD];

const FILES: [Figure; 2] = [Figure::more("files/s"), Figure::less("CPU ms a file")];

/// Here everything is near.
const SECONDS_MAX: u64 = 60;
