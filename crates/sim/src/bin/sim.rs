//! `cargo xtask sim`: plays the worlds of many seeds and prints those that break a promise.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use clap::Parser;
use thirdhost_sim::{Record, simulate};

/// Two servers, a user and an intruder in a simulated world.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask sim", bin_name = "cargo xtask sim")]
struct Args {
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 1)]
    runs: u64,
    /// How many worlds at a time; as many as there are processors if it is not said.
    #[arg(long)]
    jobs: Option<usize>,
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
    let row = Row::new(&args);
    thread::scope(|scope| {
        for _ in 0..jobs(&args) {
            scope.spawn(|| row.play());
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let tally = row.tally();
    println!(
        "{} schedules from seed {}, {} of them twice, in {seconds:.1} s: {} failed",
        tally.played, args.seed, tally.repeated, tally.failed
    );
    match (tally.is_stuck, tally.failed) {
        (true, _) => ExitCode::from(2),
        (false, 0) => ExitCode::SUCCESS,
        (false, _) => ExitCode::FAILURE,
    }
}

/// What is shown is shown in order.
fn jobs(args: &Args) -> usize {
    let processors = || thread::available_parallelism().map_or(1, Into::into);
    match args.jobs {
        _ if args.trace => 1,
        Some(jobs) => jobs.max(1),
        None => processors(),
    }
}

/// Seeds in a row, each of which is played once by whoever comes next.
struct Row<'a> {
    args: &'a Args,
    next: AtomicU64,
    tally: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    played: u64,
    repeated: u64,
    failed: u64,
    /// A world could not even begin.
    is_stuck: bool,
}

impl<'a> Row<'a> {
    fn new(args: &'a Args) -> Self {
        Self {
            args,
            next: AtomicU64::new(0),
            tally: Mutex::default(),
        }
    }

    fn play(&self) {
        loop {
            let run = self.next.fetch_add(1, Ordering::Relaxed);
            if run >= self.args.runs {
                return;
            }
            let seed = self.args.seed.wrapping_add(run);
            let found = play(seed, self.args);
            self.count(seed, found);
        }
    }

    fn count(&self, seed: u64, found: Result<Vec<String>, String>) {
        let mut tally = self.tally();
        tally.played += 1;
        tally.repeated += u64::from(is_repeated(seed, self.args));
        let problems = match found {
            Ok(problems) if problems.is_empty() => return,
            Ok(problems) => problems,
            Err(error) => {
                eprintln!("sim: {error}");
                tally.is_stuck = true;
                return self.stop();
            }
        };
        tally.failed += 1;
        println!("seed {seed} FAILED; repeat it with: cargo xtask sim --seed {seed} --trace");
        for problem in problems {
            println!("  {problem}");
        }
        if self.args.first {
            self.stop();
        }
    }

    fn stop(&self) {
        self.next.store(self.args.runs, Ordering::Relaxed);
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Plays one seed, some twice; tells what was wrong.
fn play(seed: u64, args: &Args) -> Result<Vec<String>, String> {
    let is_repeated = is_repeated(seed, args);
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

fn is_repeated(seed: u64, args: &Args) -> bool {
    args.runs == 1 || seed.is_multiple_of(TWICE_EVERY)
}

/// One seed in so many is played twice.
const TWICE_EVERY: u64 = 50;
