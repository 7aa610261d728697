//! `cargo xtask starve`: the server is killed, stopped and starved; `--long` in every way.

use crate::step::Step;

/// Build what is killed, then kill it.
pub(crate) fn steps(args: &[String]) -> Result<Vec<Step>, String> {
    let long = match args {
        [] => false,
        [arg] if arg == "--long" => true,
        _ => return Err("`starve` takes `--long` or nothing".to_owned()),
    };
    let binaries = Step::cargo("binaries", "build --workspace --all-features --bins");
    let starve = if long {
        let run = Step::cargo("starve", &format!("{RUN} {TREES} --profile long"));
        run.with_variable("THIRDHOST_STARVE_LONG", "1")
            .with_variable("THIRDHOST_TREE_FILES", "2000")
    } else {
        Step::cargo("starve", RUN)
    };
    Ok(vec![binaries, starve])
}

/// Those named so kill source, destination, user or one session in the middle of a copy.
const RUN: &str = "nextest run --package scenarios --no-capture whole:: dies_in_the_middle";

/// The user killed on the way to and from whatever servers are installed here.
const TREES: &str = "trees::a_tree_survives_being_killed";
