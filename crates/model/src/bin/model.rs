//! `cargo xtask model`: walks the model in every scene, and prints what must not be, if it can.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use thirdhost_model::{Bounds, Sabotage, Scene, walk};

/// LSTN, SOCK and a transfer between two servers, with an intruder: every course of events.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask model", bin_name = "cargo xtask model")]
struct Args {
    /// The bounds of the record, `tests/evidence/model.md`, instead of those of every commit.
    #[arg(long, conflicts_with = "bounds")]
    long: bool,
    /// Bounds of one's own: how many losses, calls and commands of the intruder, and files.
    #[arg(long, num_args = 4, value_names = ["LOSSES", "CALLS", "COMMANDS", "FILES"])]
    bounds: Option<Vec<u8>>,
    /// Takes a protection away, to see what comes of it: pins, host, release, stranger, rest,
    /// certificate, silence.
    #[arg(long, value_parser = sabotage)]
    without: Option<Sabotage>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let settings = match (&args.bounds, args.long) {
        (Some(own), _) => vec![own_bounds(own)],
        (None, true) => LONG.to_vec(),
        (None, false) => SHORT.to_vec(),
    };
    let (mut states, mut transitions, mut found) = (0, 0, 0);
    let began = Instant::now();
    for (files, bounds) in settings {
        for scene in Scene::all(files, bounds) {
            let scene = Scene {
                sabotage: args.without,
                ..scene
            };
            let begins = Instant::now();
            let walked = walk(scene, STATES_MAX);
            let seconds = begins.elapsed().as_secs_f32();
            println!(
                "{scene}: {} states, {} transitions, depth {}, {} ends, {seconds:.1} s",
                walked.states, walked.transitions, walked.depth, walked.ends
            );
            states += walked.states;
            transitions += walked.transitions;
            if let Some(counterexample) = walked.counterexample {
                found += 1;
                println!("{counterexample}");
            } else if walked.is_cut {
                found += 1;
                println!("      => given up: more than {STATES_MAX} states");
            }
        }
    }
    let seconds = began.elapsed().as_secs_f32();
    println!("model: {states} states, {transitions} transitions, {seconds:.0} s, {found} found");
    ExitCode::from(u8::from(found > 0))
}

fn own_bounds(own: &[u8]) -> (u8, Bounds) {
    let at = |index: usize| own.get(index).copied().unwrap_or_default();
    let bounds = Bounds {
        losses: at(0),
        calls: at(1),
        commands: at(2),
    };
    (at(3).max(1), bounds)
}

fn sabotage(name: &str) -> Result<Sabotage, String> {
    let named = NAMES.into_iter().find(|(known, _)| *known == name);
    let (_, sabotage) = named.ok_or_else(|| format!("no protection is called `{name}`"))?;
    Ok(sabotage)
}

const fn bounds(losses: u8, calls: u8, commands: u8) -> Bounds {
    Bounds {
        losses,
        calls,
        commands,
    }
}

/// What every commit has to pass, in less than a minute.
const SHORT: [(u8, Bounds); 4] = [
    (1, bounds(1, 1, 0)),
    (1, bounds(1, 0, 1)),
    (1, bounds(0, 0, 3)),
    (2, bounds(0, 1, 0)),
];

/// What is on record.
const LONG: [(u8, Bounds); 4] = [
    (1, bounds(1, 1, 1)),
    (1, bounds(0, 0, 3)),
    (2, bounds(1, 1, 0)),
    (1, bounds(1, 0, 3)),
];

/// A scene that has more does not end.
const STATES_MAX: usize = 20_000_000;

const NAMES: [(&str, Sabotage); 7] = [
    ("pins", Sabotage::PinsOff),
    ("host", Sabotage::HostAlone),
    ("release", Sabotage::ForgottenRelease),
    ("stranger", Sabotage::StrangerEndsWait),
    ("rest", Sabotage::NumbersDoNotRest),
    ("certificate", Sabotage::CertificateUnseen),
    ("silence", Sabotage::SilenceForGood),
];
