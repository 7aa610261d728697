//! `cargo xtask model`: every course of events between two servers, a user and an intruder.

use crate::step::Step;

/// The one step: build and run `model`; all arguments are handed on to it. Without any it walks
/// what every commit has to pass, in less than a minute.
pub(crate) fn steps(args: &[String]) -> Vec<Step> {
    let run = Step::cargo(
        "model",
        "run --quiet --package thirdhost-model --bin model --",
    );
    vec![run.with_args(args)]
}
