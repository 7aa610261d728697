//! `cargo xtask sim`: plays the worlds of many seeds and prints those that break a promise.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use thirdhost_sim::{Record, simulate};

/// Two servers, a user and an intruder in a simulated world.
#[derive(Debug, Parser)]
struct Args {
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 1)]
    runs: u64,
    /// Prints all that happens.
    #[arg(long)]
    trace: bool,
    /// Stops at the first seed that fails.
    #[arg(long)]
    first: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let began = Instant::now();
    let (mut failed, mut repeated) = (0_u64, 0_u64);
    let mut played = 0;
    for seed in (0..args.runs).map(|run| args.seed.wrapping_add(run)) {
        played += 1;
        let problems = match play(seed, &args, &mut repeated) {
            Ok(problems) if problems.is_empty() => continue,
            Ok(problems) => problems,
            Err(error) => {
                eprintln!("sim: {error}");
                return ExitCode::from(2);
            }
        };
        failed += 1;
        println!("seed {seed} FAILED; repeat it with: cargo xtask sim --seed {seed} --trace");
        for problem in problems {
            println!("  {problem}");
        }
        if args.first {
            break;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{played} schedules from seed {}, {repeated} of them twice, in {seconds:.1} s: \
         {failed} failed",
        args.seed
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Plays one seed, some twice; tells what was wrong.
fn play(seed: u64, args: &Args, repeated: &mut u64) -> Result<Vec<String>, String> {
    let is_repeated = args.runs == 1 || seed.is_multiple_of(TWICE_EVERY);
    let record = match (args.trace, is_repeated) {
        (true, _) => Record::Lines,
        (false, true) => Record::Hash,
        (false, false) => Record::Violations,
    };
    let outcome = simulate(seed, record, None)?;
    for line in &outcome.lines {
        println!("{line}");
    }
    let mut problems = outcome.violations;
    let first = outcome.hash.unwrap_or_default();
    if is_repeated {
        *repeated += 1;
        let again = simulate(seed, Record::Hash, None)?;
        let second = again.hash.unwrap_or_default();
        if first != second {
            problems.push(format!(
                "not deterministic: trace {first:016x}, and then {second:016x}"
            ));
        }
    }
    if args.trace {
        println!("trace {first:016x}");
    }
    Ok(problems)
}

/// One seed in so many is played twice.
const TWICE_EVERY: u64 = 50;
