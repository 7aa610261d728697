//! The source tree: where it is, its Rust files, and which of them are tests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use crate::source::Source;

/// The root of the workspace: the parent of this package.
pub(crate) fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    package
        .and_then(|path| path.parent().map(Path::to_owned))
        .unwrap_or_else(|| ".".into())
}

/// Every Rust file under `root` in the order of their paths, with test files marked as such.
///
/// # Errors
/// A directory or file that cannot be read, named.
pub(crate) fn sources(root: &Path) -> Result<Vec<Source>, String> {
    let mut paths = Vec::new();
    collect(root, &mut paths).map_err(|error| format!("{}: {error}", root.display()))?;
    paths.sort();
    let mut sources = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let relative = path.strip_prefix(root).unwrap_or(&path);
        sources.push(Source::new(
            &relative.to_string_lossy().replace('\\', "/"),
            &text,
        ));
    }
    mark_tests(&mut sources);
    Ok(sources)
}

/// A file is a test by its directory, or because its parent declares it under `#[cfg(test)]`.
fn mark_tests(sources: &mut [Source]) {
    let declared: BTreeSet<String> = sources
        .iter()
        .flat_map(Source::declared_test_modules)
        .collect();
    for source in sources {
        let path = source.path();
        let by_place = path.starts_with("tests/") || path.contains("/tests/");
        let by_parent = declared.iter().any(|module| {
            path.strip_prefix(module)
                .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        });
        if by_place || by_parent {
            source.mark_all_as_test();
        }
    }
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), paths)?;
        } else if name.ends_with(".rs") {
            paths.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_known_by_place_and_by_their_parents_word() {
        let mut sources = [
            Source::new(
                "crates/a/src/lib.rs",
                "//! A.\n#[cfg(test)]\nmod table;\nmod plain;\n",
            ),
            Source::new("crates/a/src/table.rs", "//! T.\n"),
            Source::new("crates/a/src/table/rows.rs", "//! T.\n"),
            Source::new("crates/a/src/tables.rs", "//! T.\n"),
            Source::new("crates/a/src/plain.rs", "//! P.\n"),
            Source::new("tests/scenarios/main.rs", "//! S.\n"),
            Source::new("crates/a/tests/x.rs", "//! X.\n"),
        ];
        mark_tests(&mut sources);
        let tests: Vec<bool> = sources
            .iter()
            .map(|s| s.lines().all(|line| line.test))
            .collect();
        assert_eq!(tests, [false, true, true, false, false, true, true]);
    }
}
