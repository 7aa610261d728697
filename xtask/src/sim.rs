//! `cargo xtask sim`: simulated worlds by their seeds, done by the crate of that name.

use crate::step::Step;

/// The one step: build and run `sim`; all arguments are handed on to it.
pub(crate) fn steps(args: &[String]) -> Vec<Step> {
    let run = Step::cargo(
        "sim",
        "run --quiet --profile sim --package thirdhost-sim --bin sim --",
    );
    vec![run.with_args(args)]
}

/// As many worlds as every commit has to pass.
pub(crate) fn short() -> Vec<Step> {
    steps(&["--runs", "10000"].map(str::to_owned))
}
