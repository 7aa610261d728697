//! SECURITY.md names the tests that show what it promises: each of them has to exist.

use crate::source::Source;

/// What SECURITY.md names and is not there. A test is named as `path.rs::function`, in backticks.
pub(super) fn faults(text: &str, sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut named = 0;
    for (number, line) in (1..).zip(text.lines()) {
        for span in line.split('`').skip(1).step_by(2) {
            let Some((path, function)) = span.split_once(".rs::") else {
                continue;
            };
            named += 1;
            let path = format!("{path}.rs");
            let source = sources.iter().find(|source| source.path() == path);
            let what = match source {
                None => format!("there is no {path}"),
                Some(source) if !has_test(source, function) => {
                    format!("{path} has no test `{function}`")
                }
                Some(_) => continue,
            };
            faults.push(format!(
                "SECURITY.md:{number}: {what}: name the one that shows it"
            ));
        }
    }
    if named == 0 {
        faults.push("SECURITY.md: it names no test: `path.rs::function`".to_owned());
    }
    faults
}

fn has_test(source: &Source, function: &str) -> bool {
    let begin = format!("fn {function}(");
    source
        .lines()
        .any(|line| line.test && line.code.contains(&begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_wants_a_test_that_exists() {
        let check = |text: &str, expected: &[&str]| {
            let mut tests = Source::new("tests/a.rs", "#[test]\nfn nothing_leaks() {}\n");
            tests.mark_all_as_test();
            let code = Source::new("src/b.rs", "fn leaks() {}\n");
            let found = faults(text, &[tests, code]);
            assert_eq!(found.len(), expected.len(), "{found:?}");
            let pairs = found.iter().zip(expected);
            assert!(
                pairs.clone().all(|(fault, part)| fault.contains(part)),
                "{found:?}"
            );
        };
        check("| it | `tests/a.rs::nothing_leaks` |", &[]);
        check(
            "\n`tests/a.rs::nothing_leak`",
            &["SECURITY.md:2: tests/a.rs has no test"],
        );
        check("`tests/c.rs::nothing_leaks`", &["there is no tests/c.rs"]);
        check("`src/b.rs::leaks`", &["src/b.rs has no test"]);
        check(
            "`tests/a.rs::nothing_leaks`, `tests/d.rs::x`",
            &["tests/d.rs"],
        );
        check("nothing", &["names no test"]);
    }
}
