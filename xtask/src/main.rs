//! The developer's commands, `cargo xtask <verb>`. Knows none of our crates; spawns cargo.

mod bench;
mod ci;
mod dist;
mod e2e;
mod interop;
mod package;
mod partitions;
mod rfc;
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
    let steps = match (verb.as_str(), rest.is_empty()) {
        ("e2e", _) => e2e::steps(&rest),
        ("bench", false) => bench::steps(&rest),
        ("bench", true) => return refuse("`bench` takes what to measure: try `bench --help`"),
        ("interop", _) => interop::steps(&rest),
        ("starve", _) => match starve::steps(&rest) {
            Ok(steps) => steps,
            Err(why) => return refuse(&why),
        },
        ("partitions", _) => partitions::steps(&rest),
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
        ("test" | "ci" | "tidy" | "rfc" | "package" | "dist" | "help", false) => {
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
  bench …          ours beside the FTP servers found here: server, third-party, wan, all…
  partitions …     two servers and a client in three hosts, links cut at every step (--short: a few)
  starve [--long]  kill, stop and starve the server: at every system call, under load, on full disks
  test             everything that must pass: doc tests, then all others
  ci               fmt, clippy, tidy, rfc, doc, deny, package, dist, e2e, interop,
                   partitions --short, test
  tidy             the rules of this house that no other tool checks
  rfc              the clause ledger: clause, code, test; fails on a gap
  package          what would be published, packed and built from the packages
  dist             man pages, completions and service files, into target/dist
";
