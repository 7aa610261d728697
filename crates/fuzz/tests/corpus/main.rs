//! Every input that is kept, once more; and that every target keeps some.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use thirdhost_fuzz::TARGETS;

/// What broke something once is kept there too, so that this is its regression test.
#[test]
fn no_input_that_is_kept_breaks_a_promise() {
    for target in TARGETS {
        let directory = corpus().join(target.name);
        let mut octets = 0;
        for path in files(&directory) {
            let input = fs::read(&path).unwrap();
            octets += input.len();
            let outcome = std::panic::catch_unwind(|| (target.run)(&input));
            assert!(outcome.is_ok(), "{}", path.display());
        }
        assert!(octets > 0, "{}: no corpus", target.name);
        assert!(octets <= CORPUS_BYTES_MAX, "{}: {octets}", target.name);
    }
}

#[test]
fn every_corpus_is_that_of_a_target() {
    let named: BTreeSet<PathBuf> = TARGETS.iter().map(|t| corpus().join(t.name)).collect();
    let found: BTreeSet<PathBuf> = files(&corpus()).into_iter().collect();
    assert_eq!(found, named);
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a target's corpus");
    entries
        .map(|entry| entry.expect("a readable directory").path())
        .collect()
}

/// A corpus is small: it is in every clone, and run by every test.
const CORPUS_BYTES_MAX: usize = 64 << 10;
