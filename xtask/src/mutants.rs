//! `cargo xtask mutants [room] [args…]`: the code is broken in every way that cargo-mutants knows,
//! and the tests have to see it. What they need not see is in `.cargo/mutants.toml`, with reasons.

use crate::step::{self, Step};

/// One room or all; further arguments (`--shard 0/8`, `--list`) go to cargo-mutants.
///
/// # Errors
/// A room that is none, in words.
pub(crate) fn steps(args: &[String]) -> Result<Vec<Step>, String> {
    let (wanted, args) = match args.split_first() {
        Some((name, rest)) if !name.starts_with('-') => (Some(name), rest),
        _ => (None, args),
    };
    let rooms: Vec<&Room> = ROOMS
        .iter()
        .filter(|room| wanted.is_none_or(|name| name == room.name))
        .collect();
    if rooms.is_empty() {
        let known = ROOMS.map(|room| room.name).join(", ");
        return Err(format!("no room {wanted:?}; there are {known}"));
    }
    Ok(rooms.into_iter().map(|room| room.step(args)).collect())
}

/// What `ci` asks: what the peer of a data connection is held against.
pub(crate) fn short() -> Vec<Step> {
    let pin = Room {
        name: "pin",
        mutated: "-p thirdhost-wire --all-features --file crates/wire/src/host_socket.rs",
        tests: "--lib",
    };
    vec![pin.step(&[])]
}

/// Code that is mutated, and the tests that have to see it.
#[derive(Clone, Copy, Debug)]
struct Room {
    name: &'static str,
    mutated: &'static str,
    tests: &'static str,
}

impl Room {
    fn step(&self, args: &[String]) -> Step {
        if !step::has_tool("mutants") {
            let remedy = "cargo-mutants is not installed: cargo install --locked cargo-mutants";
            return Step::missing("mutants", remedy);
        }
        let common = "mutants --jobs 1 --no-times --output target/mutants";
        let tests = format!("-- {}", self.tests);
        let tests: Vec<String> = tests.split_whitespace().map(str::to_owned).collect();
        Step::cargo("mutants", &format!("{common} {}", self.mutated))
            .with_args(args)
            .with_args(&tests)
    }
}

/// Nothing else has the last word about a packet, a name or a permission.
const ROOMS: [Room; 4] = [
    Room {
        name: "wire",
        mutated: "-p thirdhost-wire --all-features",
        tests: "--lib",
    },
    Room {
        name: "sockets",
        mutated: "-p thirdhost-sockets",
        tests: "--lib --tests",
    },
    Room {
        name: "policy",
        mutated: "-p thirdhost-server --file crates/server/src/policy.rs",
        tests: "--lib policy",
    },
    // Its enumerations, of one server, of two and of pipelines, would take a minute for each mutant.
    Room {
        name: "proto",
        mutated: "-p thirdhost-proto",
        tests: "--lib -- --skip enumeration",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_one_of_those_there_are() {
        let steps = |args: &[&str]| {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            steps(&args).map(|steps| steps.len())
        };
        assert_eq!(steps(&[]), Ok(4));
        assert_eq!(steps(&["--shard", "0/8"]), Ok(4));
        assert_eq!(steps(&["wire", "--list"]), Ok(1));
        assert!(steps(&["kitchen"]).is_err());
    }
}
