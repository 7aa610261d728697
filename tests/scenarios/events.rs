//! What `--json` tells, held against the tables of the client's README, row by row and member by
//! member: programs rely on it.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::support::liar::Liar;
use crate::support::thirdhostd::{self, Thirdhostd};

#[test]
fn every_event_has_the_members_that_are_documented_and_no_others() {
    let scene = Scene::start();
    let mut seen = BTreeSet::new();
    for typed in TYPED {
        for event in scene.events(typed) {
            let name = event["event"].as_str().unwrap().to_owned();
            check(&name, &event);
            seen.insert(name);
        }
    }
    let unseen = rows()
        .map(|(name, _)| name)
        .filter(|name| !seen.contains(name));
    let unseen: Vec<String> = unseen.filter(|name| !is_rare(name)).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}

/// What takes more than a second, a server without MLSD, and clear text off loopback.
fn is_rare(event: &str) -> bool {
    matches!(event, "progress" | "line" | "warning")
}

/// Both ways: what is told is documented, what is documented is told.
fn check(name: &str, event: &Map<String, Value>) {
    let told: BTreeSet<&str> = event.keys().map(String::as_str).collect();
    let of_that_name: Vec<_> = rows().filter(|(row, _)| row == name).collect();
    let is_documented = of_that_name.iter().any(|(_, members)| {
        let members = members.iter().map(String::as_str);
        told == members.chain(["event"]).collect()
    });
    assert!(is_documented, "{event:?}: {of_that_name:?}");
}

/// The rows of the tables: the event, and its members, which are those outside of parentheses.
fn rows() -> impl Iterator<Item = (String, BTreeSet<String>)> {
    let (_, section) = README.split_once("\n### Events\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    section.lines().filter_map(|line| {
        let (name, members) = line.strip_prefix("| `")?.split_once("` | ")?;
        let (mut depth, mut outside) = (0, String::new());
        for letter in members.chars() {
            match letter {
                '(' => depth += 1,
                ')' => depth -= 1,
                other if depth == 0 => outside.push(other),
                _ => {}
            }
        }
        let members = outside.split('`').skip(1).step_by(2);
        Some((name.to_owned(), members.map(str::to_owned).collect()))
    })
}

/// Two servers that may meet, one that has no room, and files.
struct Scene {
    servers: [Thirdhostd; 2],
    full: Liar,
    here: TempDir,
    _directories: [TempDir; 4],
}

impl Scene {
    fn start() -> Self {
        let directories = [(); 4].map(|()| tempfile::tempdir().unwrap());
        let [one, two, first, second] = &directories;
        fs::create_dir(one.path().join("tree")).unwrap();
        fs::write(one.path().join("tree/a"), "a").unwrap();
        fs::write(one.path().join("tree/b"), "b").unwrap();
        // A directory stands where a file is to go.
        fs::create_dir_all(two.path().join("there/b")).unwrap();
        let here = tempfile::tempdir().unwrap();
        fs::write(here.path().join("file"), "file").unwrap();
        Self {
            servers: [
                Thirdhostd::for_alice("127.0.0.2", one.path(), first.path()),
                Thirdhostd::for_alice("127.0.0.3", two.path(), second.path()),
            ],
            full: Liar::start("127.0.0.5", &[("STOR", "452 no space")]),
            here,
            _directories: directories,
        }
    }

    /// What is told of what was typed; `ONE`, `TWO` and `FULL` stand for the servers.
    fn events(&self, typed: &[&str]) -> Vec<Map<String, Value>> {
        let [one, two] = &self.servers;
        let places = [
            ("ONE", one.address),
            ("TWO", two.address),
            ("FULL", self.full.address),
        ];
        let mut command = thirdhostd::client();
        for argument in typed {
            let mut argument = (*argument).to_owned();
            for (name, address) in places {
                argument = argument.replace(name, &format!("ftp://alice@{address}"));
            }
            command.arg(argument);
        }
        for host in ["2", "3", "5"] {
            command.env(format!("THIRDHOST_PASSWORD_127_0_0_{host}"), "secret");
        }
        let output = command
            .arg("--json")
            .current_dir(self.here.path())
            .env("HOME", self.here.path())
            .env_remove("XDG_CACHE_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let event = |line| serde_json::from_str(line).unwrap();
        told.lines().map(event).collect()
    }
}

const TYPED: &[&[&str]] = &[
    &["cp", "-r", "--retries", "0", "ONE/tree", "TWO/there"],
    &["cp", "-r", "-n", "ONE/tree", "TWO/elsewhere"],
    &["cp", "-r", "ONE/tree", "TWO/there/a/below"],
    &["cp", "-r", "ONE/tree", "TWO/new"],
    &["put", "file", "TWO/new/file"],
    &["cp", "-r", "--delete", "ONE/tree", "TWO/new"],
    &["cp", "--size-only", "ONE/tree/a", "TWO/there/a"],
    &["cp", "--third-party", "never", "ONE/tree/a", "TWO/relayed"],
    &["cp", "--retries", "1", "file", "FULL/file"],
    &["cp", "nowhere:x", "TWO/x"],
    &["append", "ONE/tree/a", "TWO/there/a"],
    &["ls", "TWO/"],
    &["stat", "TWO/there/a"],
    &["probe", "ONE/", "TWO/"],
    &["site", "add", "one", "one.example"],
    &["site", "list"],
];

const README: &str = include_str!("../../crates/client/README.md");
