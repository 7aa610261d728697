//! `cargo xtask partitions`: two real servers and a client, their links cut at every step; all
//! arguments are handed on.

use crate::step::Step;

/// The one step: build and run the harness's `partitions`. It is left out, and says so, where
/// network namespaces cannot be had.
pub(crate) fn steps(args: &[String]) -> Vec<Step> {
    let run = Step::cargo(
        "partitions",
        "run --quiet --package thirdhost-harness --bin partitions --",
    );
    vec![run.with_args(args)]
}

/// A handful, in less than a minute.
pub(crate) fn short() -> Vec<Step> {
    steps(&["--short".to_owned()])
}
