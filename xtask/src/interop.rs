//! `cargo xtask interop`: every ordered pair of FTP servers; all arguments are handed on.

use crate::step::Step;

/// The one step: build and run the harness's `interop`.
pub(crate) fn steps(args: &[String]) -> Vec<Step> {
    let run = Step::cargo(
        "interop",
        "run --quiet --package thirdhost-harness --bin interop --",
    );
    vec![run.with_args(args)]
}
