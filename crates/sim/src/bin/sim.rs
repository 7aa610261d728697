//! `cargo xtask sim`: plays the worlds of many seeds and prints those that break a promise.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use thirdhost_sim::simulate;

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
    let outcome = simulate(seed, args.trace, None)?;
    for line in &outcome.lines {
        println!("{line}");
    }
    let mut problems = outcome.violations;
    if args.runs == 1 || seed.is_multiple_of(TWICE_EVERY) {
        *repeated += 1;
        let again = simulate(seed, false, None)?;
        if again.hash != outcome.hash {
            problems.push(format!(
                "not deterministic: trace {:016x}, and then {:016x}",
                outcome.hash, again.hash
            ));
        }
    }
    if args.trace {
        println!("trace {:016x}", outcome.hash);
    }
    Ok(problems)
}

/// One seed in so many is played twice.
const TWICE_EVERY: u64 = 50;
