//! `cargo xtask test`: everything that must pass, the runner's own summary last.

use crate::step::{self, Step};

/// Doc tests, then all others: by nextest where it is installed, else by cargo itself.
pub(crate) fn steps() -> Vec<Step> {
    let all = if step::has_tool("nextest") {
        "nextest run --workspace --all-features"
    } else {
        "test --workspace --all-features --all-targets"
    };
    let documentation = Step::cargo("doctest", "test --workspace --all-features --doc");
    // Some tests run the real binaries; built here, no test has to wait for the compiler.
    let binaries = Step::cargo("binaries", "build --workspace --all-features --bins");
    vec![documentation, binaries, Step::cargo("test", all)]
}
