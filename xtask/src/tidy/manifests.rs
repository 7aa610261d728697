//! Rules on the manifests: which crate may know which, and what keeps them publishable.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

use super::Finding;

/// A `Cargo.toml`.
#[derive(Debug)]
pub(super) struct Manifest {
    path: String,
    text: String,
    table: Table,
}

impl Manifest {
    fn parse(path: &str, text: &str) -> Result<Self, String> {
        let table = text.parse().map_err(|error| format!("{path}: {error}"))?;
        Ok(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            table,
        })
    }

    fn package(&self) -> Option<&str> {
        self.table.get("package")?.get("name")?.as_str()
    }

    fn is_published(&self) -> bool {
        let publish = self
            .table
            .get("package")
            .and_then(|package| package.get("publish"));
        publish.and_then(Value::as_bool).unwrap_or(true)
    }

    /// Every dependency with the kind of section it stands in, those of `[target.…]` too.
    fn dependencies(&self) -> Vec<Dependency<'_>> {
        let targets = self.table.get("target").and_then(Value::as_table);
        let tables = targets
            .into_iter()
            .flat_map(|t| t.values().filter_map(Value::as_table));
        let mut all = Vec::new();
        for table in std::iter::once(&self.table).chain(tables) {
            for (kind, section) in KINDS {
                let entries = table.get(section).and_then(Value::as_table);
                for (name, value) in entries.into_iter().flatten() {
                    all.push(Dependency { kind, name, value });
                }
            }
        }
        all
    }

    fn finding(&self, key: &str, what: String, remedy: &'static str) -> Finding {
        let at = self
            .text
            .lines()
            .position(|line| line.starts_with(key))
            .unwrap_or(0);
        Finding::new(&self.path, at + 1, what, remedy)
    }
}

/// Reads the workspace's manifest and those of its members.
///
/// # Errors
/// A manifest that cannot be read or parsed, named.
pub(super) fn read(root: &Path) -> Result<Vec<Manifest>, String> {
    let crates = fs::read_dir(root.join("crates")).map_err(|error| format!("crates: {error}"))?;
    let mut paths: Vec<String> = crates
        .filter_map(|entry| {
            Some(format!(
                "crates/{}/Cargo.toml",
                entry.ok()?.file_name().to_str()?
            ))
        })
        .filter(|path| root.join(path).is_file())
        .collect();
    paths.sort();
    paths.extend(["Cargo.toml", "tests/Cargo.toml", "xtask/Cargo.toml"].map(str::to_owned));
    let read = |path: &String| {
        let text = fs::read_to_string(root.join(path)).map_err(|e| format!("{path}: {e}"))?;
        Manifest::parse(path, &text)
    };
    paths.iter().map(read).collect()
}

/// What breaks a rule in the manifests.
pub(super) fn check(manifests: &[Manifest]) -> Vec<Finding> {
    let shared = manifests
        .iter()
        .find_map(|m| m.table.get("workspace")?.get("dependencies"));
    manifests
        .iter()
        .filter(|m| m.package().is_some())
        .flat_map(|m| check_one(m, shared))
        .collect()
}

fn check_one(manifest: &Manifest, shared: Option<&Value>) -> Vec<Finding> {
    let name = manifest.package().unwrap_or_default();
    let mut findings = Vec::new();
    let Some((_, known)) = MAY_KNOW.iter().find(|(package, _)| *package == name) else {
        let remedy = "give it one in xtask/src/tidy/manifests.rs and in the map";
        return vec![manifest.finding(
            "name",
            format!("`{name}` has no place in the house"),
            remedy,
        )];
    };
    let lints = manifest
        .table
        .get("lints")
        .and_then(|lints| lints.get("workspace"));
    if lints.and_then(Value::as_bool) != Some(true) {
        let remedy = "add [lints] workspace = true";
        findings.push(manifest.finding("name", "without the shared lints".to_owned(), remedy));
    }
    for Dependency {
        kind,
        name: other,
        value,
    } in manifest.dependencies()
    {
        let internal = MAY_KNOW.iter().any(|(package, _)| package == other);
        if internal && !known.contains(&other.as_str()) {
            let what = format!("`{name}` must not know `{other}`");
            findings.push(manifest.finding(other, what, "move what is shared towards wire"));
        }
        let has_version = version(value, shared.and_then(|shared| shared.get(other)));
        if internal && manifest.is_published() && kind == Kind::Development && has_version {
            let what = format!("development dependency `{other}` with a version");
            let remedy = "give the path alone, or publishing needs a published copy first";
            findings.push(manifest.finding(other, what, remedy));
        }
        if internal && manifest.is_published() && kind != Kind::Development && !has_version {
            let what = format!("dependency `{other}` without a version");
            findings.push(manifest.finding(other, what, "write { workspace = true }"));
        }
        let pure = ["thirdhost-wire", "thirdhost-proto"].contains(&name);
        if pure && kind != Kind::Development && WORLD.contains(&other.as_str()) {
            let what = format!("`{name}` must not know the world through `{other}`");
            findings.push(manifest.finding(other, what, "leave it to server and client"));
        }
    }
    findings
}

/// Whether a dependency carries a version, its own or the workspace's.
fn version(value: &Value, shared: Option<&Value>) -> bool {
    let own = |value: &Value| value.is_str() || value.get("version").is_some();
    let inherits = value.get("workspace").and_then(Value::as_bool) == Some(true);
    own(value) || (inherits && shared.is_some_and(own))
}

struct Dependency<'a> {
    kind: Kind,
    name: &'a String,
    value: &'a Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Normal,
    Build,
    Development,
}

const KINDS: [(Kind, &str); 3] = [
    (Kind::Normal, "dependencies"),
    (Kind::Build, "build-dependencies"),
    (Kind::Development, "dev-dependencies"),
];

const WIRE: &str = "thirdhost-wire";
const PROTO: &str = "thirdhost-proto";
const SOCKETS: &str = "thirdhost-sockets";
const SERVER: &str = "thirdhost-server";
const CLIENT: &str = "thirdhost-client";
const HARNESS: &str = "thirdhost-harness";
const BENCH: &str = "thirdhost-bench";
const FUZZ: &str = "thirdhost-fuzz";
const LAB: &str = "thirdhost-lab";
const MODEL: &str = "thirdhost-model";
const SIM: &str = "thirdhost-sim";

/// Which package may depend on which, in any section of its manifest.
const MAY_KNOW: [(&str, &[&str]); 13] = [
    (WIRE, &[]),
    (PROTO, &[WIRE]),
    (SOCKETS, &[WIRE]),
    (SERVER, &[WIRE, PROTO, SOCKETS]),
    (CLIENT, &[WIRE, PROTO, SOCKETS]),
    (HARNESS, &[WIRE, PROTO, SOCKETS, SERVER, CLIENT, LAB]),
    (LAB, &[]),
    (BENCH, &[WIRE, HARNESS, LAB]),
    (MODEL, &[WIRE, PROTO, SOCKETS, SERVER]),
    (SIM, &[WIRE, PROTO, SOCKETS, SERVER, CLIENT]),
    (FUZZ, &[WIRE, PROTO, SOCKETS, SERVER, CLIENT]),
    (
        "scenarios",
        &[WIRE, PROTO, SOCKETS, SERVER, CLIENT, HARNESS, LAB],
    ),
    ("xtask", &[]),
];

/// Crates that reach network, disk, clock or chance.
const WORLD: [&str; 8] = [
    "tokio",
    "mio",
    "async-std",
    "smol",
    "socket2",
    "rustix",
    "cap-std",
    "rand",
];

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "[workspace.dependencies]\n\
        thirdhost-wire = { version = \"0.1.0\", path = \"crates/wire\" }\n\
        thirdhost-proto = { path = \"crates/proto\" }\n\
        tokio = \"1\"\n";

    /// The findings for a package `name` with these sections.
    fn found(name: &str, rest: &str) -> Vec<String> {
        let text = format!("[package]\nname = \"{name}\"\n[lints]\nworkspace = true\n{rest}");
        let manifests = [("Cargo.toml", ROOT), ("a/Cargo.toml", &text)]
            .map(|(path, text)| Manifest::parse(path, text).unwrap());
        super::check(&manifests)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn check(name: &str, rest: &str, expected: &[&str]) {
        let found = found(name, rest);
        assert_eq!(found.len(), expected.len(), "{name}: {rest}: {found:?}");
        for (finding, part) in found.iter().zip(expected) {
            assert!(finding.contains(part), "{name}: {finding}, not {part}");
        }
    }

    #[test]
    fn crates_know_each_other_one_way_only() {
        let wire = "[dependencies]\nthirdhost-wire.workspace = true\n";
        check("thirdhost-proto", wire, &[]);
        check("thirdhost-wire", "[dependencies]\nthiserror = \"2\"\n", &[]);
        check(
            "xtask",
            wire,
            &["a/Cargo.toml:6: `xtask` must not know `thirdhost-wire`"],
        );
        for section in [
            "dependencies",
            "dev-dependencies",
            "target.'cfg(unix)'.dependencies",
        ] {
            let client = |name: &str, expected: &[&str]| {
                let entry = "thirdhost-client = { path = \"../client\", version = \"0.1.0\" }\n";
                let found = found(name, &format!("[{section}]\n{entry}"));
                let direction: Vec<_> = found
                    .iter()
                    .filter(|f| f.contains("must not know"))
                    .collect();
                assert_eq!(
                    direction.len(),
                    expected.len(),
                    "{name}: {section}: {found:?}"
                );
            };
            client("thirdhost-server", &["client"]);
            client("thirdhost-sockets", &["client"]);
            client("thirdhost-harness", &[]);
        }
        check("thirdhost-new", "", &["has no place in the house"]);
    }

    #[test]
    fn internal_dependencies_carry_a_version_and_development_ones_do_not() {
        let proto =
            |section: &str, entry: &str| format!("[{section}]\nthirdhost-proto = {entry}\n");
        let path = "{ path = \"../proto\" }";
        let name = "thirdhost-server";
        check(name, &proto("dependencies", path), &["without a version"]);
        check(
            name,
            &proto("dependencies", "{ workspace = true }"),
            &["without a version"],
        );
        check(name, &proto("dev-dependencies", path), &[]);
        let wire = "[dev-dependencies]\nthirdhost-wire = { workspace = true }\n";
        check(name, wire, &["with a version"]);
        let unpublished = found("scenarios", wire);
        assert_eq!(
            unpublished.len(),
            1,
            "published by default: {unpublished:?}"
        );
        let text = format!(
            "[package]\nname = \"scenarios\"\npublish = false\n[lints]\nworkspace = true\n{wire}"
        );
        let manifests = [("Cargo.toml", ROOT), ("tests/Cargo.toml", &text)]
            .map(|(path, text)| Manifest::parse(path, text).unwrap());
        assert!(super::check(&manifests).is_empty());
    }

    #[test]
    fn pure_crates_reach_the_world_in_tests_at_most() {
        let tokio = |section: &str| format!("[{section}]\ntokio.workspace = true\n");
        check(
            "thirdhost-proto",
            &tokio("dependencies"),
            &["through `tokio`"],
        );
        check("thirdhost-wire", &tokio("dev-dependencies"), &[]);
        check("thirdhost-sockets", &tokio("dependencies"), &[]);
    }

    #[test]
    fn lints_are_shared() {
        let manifest = Manifest::parse("a/Cargo.toml", "[package]\nname = \"xtask\"\n").unwrap();
        let found = super::check(&[manifest]);
        assert!(
            found.iter().any(|f| f.what == "without the shared lints"),
            "{found:?}"
        );
    }

    /// What `lints_are_shared` makes every crate share forbids unsafe code, and what reads
    /// octets of strangers is fuzzed.
    //= security#S-75
    //= type=test
    #[test]
    fn unsafe_code_is_forbidden_and_every_parser_has_a_fuzz_target() {
        let root = crate::tree::root();
        let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("\nunsafe_code = \"forbid\"\n"));
        let targets = fs::read_to_string(root.join("crates/fuzz/src/lib.rs")).unwrap();
        for parser in [
            "command", "line", "reply", "address", "facts", "feature", "block", "config", "users",
            "session", "hostile",
        ] {
            assert!(targets.contains(&format!("of(\"{parser}\", ")), "{parser}");
        }
    }
}
