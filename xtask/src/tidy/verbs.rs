//! One file per verb in `crates/proto/src/server/verbs`, and each names its verb in its first line.

use super::Finding;
use crate::source::Source;

/// A file in the verbs' directory that is not one verb's.
///
/// `mod.rs` and directories group verbs; `site_peercert.rs` is a verb with its subcommand,
/// `rnfr_rnto.rs` a pair.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let path = source.path();
    let Some(inner) = path.strip_prefix(VERBS) else {
        return Vec::new();
    };
    let stem = inner
        .rsplit('/')
        .next()
        .and_then(|name| name.strip_suffix(".rs"))
        .unwrap_or_default();
    let whole_is_test = source.lines().all(|line| line.test);
    if stem == "mod" || whole_is_test {
        return Vec::new();
    }
    let verb = stem.split('_').next().unwrap_or_default();
    if !(3..=4).contains(&verb.len()) || !stem.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
        let what = format!("`{stem}` is not the name of a verb");
        return vec![Finding::new(
            path,
            1,
            what,
            "one verb, one file, named in lower case",
        )];
    }
    let first = source
        .lines()
        .next()
        .map(|line| line.raw.as_str())
        .unwrap_or_default();
    let missing = stem
        .split('_')
        .map(str::to_uppercase)
        .find(|verb| !first.contains(verb.as_str()));
    let finding = missing.map(|verb| {
        let what = format!("the first line does not name {verb}");
        Finding::new(path, 1, what, "name the verb and its clause there")
    });
    finding.into_iter().collect()
}

const VERBS: &str = "crates/proto/src/server/verbs/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_one_verbs_and_says_so() {
        let expect = |name: &str, first: &str, count: usize| {
            let source = Source::new(&format!("{VERBS}{name}"), first);
            let found = check(&source);
            assert_eq!(found.len(), count, "{name}: {found:?}");
        };
        expect(
            "lstn.rs",
            "//! LSTN (listen): reserve a data socket. RFC 438 clause a.",
            0,
        );
        expect(
            "service/retr.rs",
            "//! RETR: send a file. RFC 959 4.1.3.",
            0,
        );
        expect(
            "service/rnfr_rnto.rs",
            "//! RNFR and RNTO: rename. RFC 959 4.1.3.",
            0,
        );
        expect(
            "site_peercert.rs",
            "//! SITE PEERCERT: the peer's certificate.",
            0,
        );
        expect("service/mod.rs", "//! Service commands. RFC 959 4.1.3.", 0);
        expect("retr.rs", "//! Sends a file.", 1);
        expect("rnfr_rnto.rs", "//! RNFR: rename.", 1);
        expect("helpers.rs", "//! HELPERS.", 1);
        expect("Retr.rs", "//! RETR.", 1);
        assert!(check(&Source::new("crates/proto/src/server/plan.rs", "//! A.")).is_empty());
    }
}
