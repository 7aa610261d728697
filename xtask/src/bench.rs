//! `cargo xtask bench`: ours beside the servers found here; all arguments are handed on.

use crate::help;
use crate::step::Step;

/// Build both sides as they are released, then measure.
pub(crate) fn steps(args: &[String]) -> Vec<Step> {
    let build = Step::cargo(
        "build",
        "build --quiet --release --package thirdhost-server --package thirdhost-client --bins",
    );
    let run = Step::cargo(
        "bench",
        "run --quiet --release --package thirdhost-bench --bin thirdhost-bench --",
    );
    if help::is_asked(args) {
        let help = "run --quiet --package thirdhost-bench --bin thirdhost-bench --";
        return vec![Step::cargo("bench", help).with_args(args)];
    }
    vec![build, run.with_args(args)]
}
