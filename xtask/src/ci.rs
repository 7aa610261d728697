//! `cargo xtask ci`: what must hold for every commit, the cheap questions first, the tests last.

use crate::step::{self, Step};
use crate::{
    dist, e2e, fuzz, interop, model, mutants, package, partitions, rfc, sandbox, sim, test, tidy,
};

/// All steps in order.
pub(crate) fn steps() -> Vec<Step> {
    let clippy = "clippy --workspace --all-targets --all-features -- -D warnings";
    let doc = Step::cargo("doc", "doc --workspace --no-deps --all-features");
    let mut steps = vec![
        Step::cargo("fmt", "fmt --all --check"),
        Step::cargo("clippy", clippy),
    ];
    steps.extend(tidy::steps());
    steps.extend(rfc::steps());
    steps.push(doc.with_variable("RUSTDOCFLAGS", "-Dwarnings"));
    steps.push(deny());
    steps.extend(package::steps());
    steps.extend(dist::steps());
    steps.extend(e2e::steps(&[]));
    steps.extend(sandbox::steps());
    steps.extend(interop::steps(&[]));
    steps.extend(sim::short());
    steps.extend(model::steps(&[]));
    steps.extend(fuzz::short());
    steps.extend(mutants::short());
    steps.extend(partitions::short());
    steps.extend(test::steps());
    steps
}

/// Advisories are left out: they need a database that not everyone can reach.
fn deny() -> Step {
    if step::has_tool("deny") {
        return Step::cargo(
            "deny",
            "deny check --hide-inclusion-graph licenses bans sources",
        );
    }
    let remedy = "cargo-deny is not installed: cargo install --locked cargo-deny";
    Step::missing("deny", remedy)
}
