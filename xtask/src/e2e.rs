//! `cargo xtask e2e`: the main job, done by the harness; all arguments are handed on to it.

use crate::step::Step;

/// The one step: build and run the harness's `e2e`.
pub(crate) fn steps(args: &[String]) -> Vec<Step> {
    let run = Step::cargo(
        "e2e",
        "run --quiet --package thirdhost-harness --bin e2e --",
    );
    vec![run.with_args(args)]
}
