//! `cargo xtask attacks [--long]`: every test that plays an attacker, wherever its room is.

use crate::step::{self, Step};

/// Build what is attacked, then attack it.
///
/// The rooms are part of `cargo xtask test` as they are. With `--long` they go on for as long as
/// the figures of `tests/evidence/attacks.md` ask for, and measure by the clock as well.
pub(crate) fn steps(args: &[String]) -> Result<Vec<Step>, String> {
    let is_long = match args {
        [] => false,
        [long] if long == "--long" => true,
        _ => return Err("`attacks` takes `--long` or nothing".to_owned()),
    };
    let run = match (step::has_tool("nextest"), is_long) {
        (true, false) => Step::cargo("attacks", RUN).with_args(&filter()),
        (true, true) => Step::cargo("attacks", RUN_LONG).with_args(&filter()),
        (false, _) => Step::cargo("attacks", "test --package scenarios attacks::"),
    };
    let binaries = Step::cargo("binaries", "build --workspace --all-features --bins");
    let run = match is_long {
        true => run.with_variable("THIRDHOST_ATTACKS_LONG", "1"),
        false => run,
    };
    Ok(vec![binaries, run])
}

fn filter() -> [String; 2] {
    ["-E".to_owned(), ROOMS.join(" | ")]
}

const RUN: &str = "nextest run --package scenarios --package thirdhost-server \
                   --package thirdhost-client --all-features";

/// One at a time: what is measured is not disturbed by the others.
const RUN_LONG: &str = "nextest run --package scenarios --package thirdhost-server \
                        --package thirdhost-client --all-features --profile long \
                        --test-threads 1 --success-output final --no-fail-fast";

/// Where attackers are played.
const ROOMS: [&str; 5] = [
    "package(scenarios) & test(/^(attacks|bounce|bad_input|filter)::/)",
    "package(thirdhost-server) & binary(bounds)",
    "package(thirdhost-server) & binary(tls) & test(/^(hostile|reuse|servers)::/)",
    "package(thirdhost-server) & binary(verbs) & test(/^(paths|listings)::/)",
    "package(thirdhost-client) & test(/^tests::(control|hostile|starttls|tls|two_party)::/)",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_is_the_only_argument() {
        let args =
            |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
        assert!(steps(&args("")).is_ok());
        assert!(steps(&args("--long")).is_ok());
        assert!(steps(&args("--long --long")).is_err());
        assert!(steps(&args("bounce")).is_err());
    }
}
