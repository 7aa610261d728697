//! `cargo xtask <verb> --help`, of the verbs that hand their arguments on to no program of ours.

/// What a verb does, what it takes, and where its record is; `None` where the program that it
/// starts says so itself.
pub(crate) fn of(verb: &str) -> Option<&'static str> {
    VERBS
        .iter()
        .find(|(name, _)| *name == verb)
        .map(|(_, text)| *text)
}

/// Whether somebody asks for help.
pub(crate) fn is_asked(args: &[String]) -> bool {
    let own = args.iter().take_while(|arg| *arg != "--");
    own.into_iter().any(|arg| arg == "--help" || arg == "-h")
}

const VERBS: [(&str, &str); 11] = [
    (
        "attacks",
        "cargo xtask attacks [--long]

Every test that plays an attacker, against the real servers and the real client. The same tests are
in `cargo xtask test`.

  --long  for the record, about ten minutes: more rounds, one test at a time, measured by the clock

Part of it takes root with its right to namespaces, and is left out without.
The record: tests/evidence/attacks.md
",
    ),
    (
        "fuzz",
        "cargo xtask fuzz [TARGET] [--secs N]

One target or all of them under libFuzzer, one after the other, from crates/fuzz/corpus on. What is
new goes to target/fuzz/TARGET; an input that breaks a promise is named, and ends its target. The
line that begins with DONE has the figures. It takes cargo-fuzz, and no nightly compiler.

  --secs N  how long each target runs: 60 if it is not said

A name that is no target lists those there are. The record: tests/evidence/fuzz.md
",
    ),
    (
        "mutants",
        "cargo xtask mutants [ROOM] [ARGS…]

The code is broken in every way that cargo-mutants knows, and the tests have to see it. ROOM is one
of wire, sockets, policy and proto; all of them, one after the other, if it is not said.
ARGS go to cargo-mutants, such as --list, or --shard 0/8 --sharding round-robin for a part.

What need not be seen is in .cargo/mutants.toml, with reasons. The record: tests/evidence/mutants.md
",
    ),
    (
        "starve",
        "cargo xtask starve [--long]

The real server is killed, stopped and starved: kill -9 and failures at system calls, no descriptor
left, full disks; then it is started again and asked. Source, destination and user are killed in
the middle of trees. The same tests are in `cargo xtask test`.

  --long  for the record, about six minutes: at every system call, with every error, 300 kills
          under load

It takes strace. The record: tests/evidence/starve.md, and of the trees tests/evidence/kills.md
",
    ),
    (
        "sandbox",
        "cargo xtask sandbox

thirdhostd confines itself (Landlock, seccomp) and tries from inside what has to be refused: a line
for each attempt, passed or FAILED. Linux alone. The record: tests/evidence/sandbox.md
",
    ),
    (
        "test",
        "cargo xtask test

Every test: those in the documentation first, then all others. Of the real FTP clients and servers
those are run that are there; THIRDHOST_REQUIRE_PEERS=1 fails where one is missing.
",
    ),
    (
        "ci",
        "cargo xtask ci

What must pass before anything lands, in this order: fmt, clippy, tidy, rfc, doc, deny, package,
dist, e2e, sandbox, interop, sim, model, fuzz, mutants and partitions in their short settings, test
(which has the short settings of attacks and starve). What failed is told once more at the end.
",
    ),
    (
        "tidy",
        "cargo xtask tidy

The rules of this house that no other tool checks. Each finding is a line with file and line number.
",
    ),
    (
        "rfc",
        "cargo xtask rfc

The clauses of RFC 438 and of what was decided beside it, each with the code and the tests that
fulfil it; fails on a gap. Also whether each test that SECURITY.md names exists.
",
    ),
    (
        "package",
        "cargo xtask package

Packs what would be published and builds it from the packages.
",
    ),
    (
        "dist",
        "cargo xtask dist

Writes man pages, shell completions and service files to target/dist.
",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_asked_for_before_the_arguments_of_another_program() {
        let asked = |line: &str| {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            is_asked(&args)
        };
        assert!(asked("--help"));
        assert!(asked("wire -h"));
        assert!(!asked("wire --list"));
        assert!(!asked("wire -- --help"));
        assert!(of("fuzz").is_some_and(|text| text.starts_with("cargo xtask fuzz ")));
        assert!(of("sim").is_none());
    }
}
