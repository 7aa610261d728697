//! `cargo xtask sim`: simulated worlds by their seeds, done by the crate of that name.

use crate::step::Step;

/// The one step: build and run `sim`; all arguments are handed on to it.
pub(crate) fn steps(args: &[String]) -> Vec<Step> {
    let line = format!(
        "run --quiet --profile {} --package thirdhost-sim --bin sim --",
        profile(args)
    );
    vec![Step::cargo("sim", &line).with_args(args)]
}

/// As many worlds as every commit has to pass.
pub(crate) fn short() -> Vec<Step> {
    steps(&["--runs", "10000"].map(str::to_owned))
}

/// Optimized, a world takes a sixth of the time; to build that takes as long as twenty thousand.
fn profile(args: &[String]) -> &'static str {
    let runs = args.iter().position(|arg| arg == "--runs");
    let runs = runs.and_then(|at| args.get(at + 1)?.parse().ok());
    match runs {
        Some(OPTIMIZED_FROM..) => "sim",
        _ => "dev",
    }
}

/// From so many worlds on the build pays.
const OPTIMIZED_FROM: u64 = 50_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_runs_are_optimized() {
        let cases = [
            (&["--seed", "7", "--trace"][..], "dev"),
            (&["--runs", "10000"], "dev"),
            (&["--runs", "1000000", "--seed", "3"], "sim"),
            (&["--runs"], "dev"),
            (&["--runs", "many"], "dev"),
        ];
        for (args, expected) in cases {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            assert_eq!(profile(&args), expected, "{args:?}");
        }
    }
}
