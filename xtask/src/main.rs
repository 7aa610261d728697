//! The developer's commands, `cargo xtask <verb>`. Knows none of our crates; spawns cargo.

mod attacks;
mod bench;
mod ci;
mod dist;
mod e2e;
mod fuzz;
mod help;
mod interop;
mod model;
mod mutants;
mod package;
mod partitions;
mod rfc;
mod sandbox;
mod sim;
mod source;
mod starve;
mod step;
mod test;
mod tidy;
mod tree;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let verb = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    if let Some(text) = help::of(&verb).filter(|_| help::is_asked(&rest)) {
        print!("{text}");
        return ExitCode::SUCCESS;
    }
    let steps = match (verb.as_str(), rest.is_empty()) {
        ("e2e", _) => e2e::steps(&rest),
        ("bench", false) => bench::steps(&rest),
        ("bench", true) => return refuse("`bench` takes what to measure: try `bench --help`"),
        ("interop", _) => interop::steps(&rest),
        ("attacks", _) => match attacks::steps(&rest) {
            Ok(steps) => steps,
            Err(why) => return refuse(&why),
        },
        ("fuzz", _) => match fuzz::steps(&rest) {
            Ok(steps) => steps,
            Err(what) => return refuse(&what),
        },
        ("mutants", _) => match mutants::steps(&rest) {
            Ok(steps) => steps,
            Err(what) => return refuse(&what),
        },
        ("starve", _) => match starve::steps(&rest) {
            Ok(steps) => steps,
            Err(why) => return refuse(&why),
        },
        ("sim", false) => sim::steps(&rest),
        ("sim", true) => sim::short(),
        ("model", _) => model::steps(&rest),
        ("partitions", _) => partitions::steps(&rest),
        ("sandbox", true) => sandbox::steps(),
        ("test", true) => test::steps(),
        ("ci", true) => ci::steps(),
        ("tidy", true) => tidy::steps(),
        ("rfc", true) => rfc::steps(),
        ("package", true) => package::steps(),
        ("dist", true) => dist::steps(),
        ("help" | "--help" | "-h", true) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        ("sandbox" | "test" | "ci" | "tidy" | "rfc" | "package" | "dist" | "help", false) => {
            return refuse(&format!("`{verb}` takes no arguments"));
        }
        ("", _) => return refuse("no verb"),
        _ => return refuse(&format!("no verb `{verb}`")),
    };
    if step::run(steps) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn refuse(what: &str) -> ExitCode {
    eprint!("xtask: {what}\n\n{USAGE}");
    ExitCode::from(2)
}

const USAGE: &str = "\
usage: cargo xtask <verb>

  e2e [args…]      two servers and a user in one process: RFC 438's example, every arrangement
  interop [args…]  every ordered pair of FTP servers: which ways work, bytes compared
  sim [args…]      10,000 simulated worlds, or others: --seed N --runs N --trace
  bench …          ours beside the FTP servers found here: server, third-party, wan, all…
  attacks [--long] every test that plays an attacker; --long: for the record, by the hour
  fuzz [target]    what reads strangers' octets, given anything, for --secs N each
  model [--long]   LSTN, SOCK and a transfer with an intruder: every course of events
  mutants [room]   whether the tests see the code broken: wire, sockets, policy, proto
  partitions …     two servers and a client in three hosts, links cut at every step (--short: a few)
  starve [--long]  kill, stop and starve the server: at every system call, under load, on full disks
  sandbox          the server's confinement, tried from inside
  test             everything that must pass: doc tests, then all others
  ci               everything but the long runs: fmt, clippy, tidy… sim, fuzz, mutants, test
  tidy             the rules of this house that no other tool checks
  rfc              the clause ledger: clause, code, test; fails on a gap
  package          what would be published, packed and built from the packages
  dist             man pages, completions and service files, into target/dist

`cargo xtask <verb> --help` says what a verb takes, how long it may go on, and where its record is.
";
