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
    let run = "nextest run --package scenarios --no-capture whole::";
    let starve = if long {
        let run = format!("{run} --profile long");
        Step::cargo("starve", &run).with_variable("THIRDHOST_STARVE_LONG", "1")
    } else {
        Step::cargo("starve", run)
    };
    Ok(vec![binaries, starve])
}
