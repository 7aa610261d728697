//! What `wire` and `proto` must never name: the world outside them. Holds for their tests too.
//! And what the server must not: other programs.

use super::Finding;
use crate::source::{Source, has_word};

/// Names of the outside world in a file of `wire` or `proto`.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let path = source.path();
    let mut banned: Vec<&str> = Vec::new();
    if path.starts_with("crates/proto/") || path.starts_with("crates/wire/src/") {
        banned.extend(WORLD);
    }
    if path.starts_with("crates/proto/") {
        banned.extend(RUNTIME);
    }
    let is_of_server = ["crates/server/src/", "crates/sockets/src/"]
        .iter()
        .any(|room| path.starts_with(room))
        && path != TRIAL;
    let mut findings = Vec::new();
    for (number, line) in source.numbered() {
        for name in banned.iter().filter(|name| names(&line.code, name)) {
            let what = format!("`{name}` in a crate that performs nothing");
            findings.push(Finding::new(path, number, what, REMEDY));
        }
        if is_of_server && !line.test && starts_program(&line.code) {
            findings.push(Finding::new(
                path,
                number,
                "a program is started",
                NO_PROGRAM,
            ));
        }
    }
    findings
}

/// Whether `code` names `std::process::Command`.
fn starts_program(code: &str) -> bool {
    has_word(code, "process::Command") || code.contains("process::{") && has_word(code, "Command")
}

/// Whether `code` names it, in full or as `std::{name}`.
fn names(code: &str, name: &str) -> bool {
    let in_group = |module| code.contains("std::{") && has_word(code, module);
    has_word(code, name) || name.strip_prefix("std::").is_some_and(in_group)
}

const REMEDY: &str = "ask for it as an effect, and be told the outcome";

const NO_PROGRAM: &str = "no string of a user reaches a shell or a program (spec S-64)";

/// Here `thirdhostd sandbox --check` tries whether it is refused; it starts itself alone.
const TRIAL: &str = "crates/server/src/bin/thirdhostd/sandbox/check/attempts.rs";

const WORLD: [&str; 10] = [
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "std::fs",
    "std::thread",
    "std::process",
    "std::env",
    "Instant::now",
    "SystemTime::now",
    "tokio",
];

const RUNTIME: [&str; 4] = ["async", "await", "rand", "tokio_util"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pure_crates_name_nothing_outside_themselves() {
        let expect = |path: &str, code: &str, count: usize| {
            let found = check(&Source::new(path, code));
            assert_eq!(found.len(), count, "{path}: {code}: {found:?}");
        };
        for code in [
            "use std::net::TcpStream;",
            "use std::net::{IpAddr, TcpListener};",
            "use std::fs;",
            "use std::{fmt, fs};",
            "std::thread::spawn(f);",
            "let now = Instant::now();",
            "let now = SystemTime::now();",
            "use tokio::net;",
        ] {
            expect("crates/wire/src/a.rs", code, 1);
            expect("crates/proto/src/a.rs", code, 1);
            expect("crates/proto/tests/a.rs", code, 1);
            expect("crates/server/src/a.rs", code, 0);
        }
        expect("crates/proto/src/a.rs", "async fn a() {}", 1);
        expect("crates/wire/src/codec.rs", "use tokio_util::codec;", 0);
        expect("crates/proto/src/a.rs", "use tokio_util::codec;", 1);
        expect(
            "crates/proto/src/a.rs",
            "// async, tokio and std::fs are for others",
            0,
        );
        expect(
            "crates/proto/src/a.rs",
            "#[cfg(test)]\nmod tests {\nuse std::fs;\n}",
            1,
        );
        expect(
            "crates/proto/src/a.rs",
            "use std::net::{IpAddr, SocketAddr};",
            0,
        );
    }

    //= security#S-64
    //= type=test
    #[test]
    fn the_server_starts_no_program() {
        let code = "std::process::Command::new(name).spawn()";
        let test = format!("#[cfg(test)]\nmod tests {{\n{code}\n}}");
        assert_eq!(check(&Source::new("crates/server/src/a.rs", code)).len(), 1);
        let group = "use std::process::{Child, Command};";
        assert_eq!(
            check(&Source::new("crates/server/src/a.rs", group)).len(),
            1
        );
        assert!(check(&Source::new("crates/server/src/a.rs", &test)).is_empty());
        assert!(check(&Source::new("crates/client/src/a.rs", code)).is_empty());
        assert!(check(&Source::new(TRIAL, code)).is_empty());
        let sources = crate::tree::sources(&crate::tree::root()).unwrap();
        assert!(sources.iter().all(|source| check(source).is_empty()));
    }
}
