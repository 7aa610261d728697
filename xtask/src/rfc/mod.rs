//! `cargo xtask rfc`: the clause ledger. Prints clause → code → test; fails on gap and misquote,
//! and on a test that SECURITY.md names and that is not there.

mod citation;
mod ledger;
mod promises;

use std::fs;

use crate::step::Step;
use crate::tree;
use citation::{Citation, Kind};
use ledger::{Clause, Ledger};

/// The one step.
pub(crate) fn steps() -> Vec<Step> {
    vec![Step::own("rfc", check)]
}

fn check() -> Result<(), String> {
    let root = tree::root();
    let read = |path: &str| fs::read_to_string(root.join(path)).map_err(|e| format!("{path}: {e}"));
    let ledgers = [
        Ledger::of_clauses("rfc438", &read("tests/rfc/rfc438.md")?),
        Ledger::of_tests("spec", &read("tests/rfc/t-tests.md")?),
        Ledger::of_tests("security", &read("tests/rfc/s-tests.md")?),
    ];
    let mut citations = Vec::new();
    let mut faults = Vec::new();
    let sources = tree::sources(&root)?;
    faults.extend(promises::faults(&read("SECURITY.md")?, &sources));
    for source in &sources {
        let (good, bad) = citation::scan(source);
        citations.extend(good);
        faults.extend(bad);
    }
    for ledger in &ledgers {
        print!("{}", report(ledger, &citations));
        faults.extend(gaps(ledger, &citations));
    }
    faults.extend(
        citations
            .iter()
            .filter_map(|citation| misquote(citation, &ledgers)),
    );
    if faults.is_empty() {
        println!("rfc: {} citations, no gap", citations.len());
        return Ok(());
    }
    println!();
    faults.iter().for_each(|fault| println!("{fault}"));
    Err(format!("{} faults in the ledger", faults.len()))
}

/// Clause by clause: its first words, and where it is fulfilled, departed from and tested.
fn report(ledger: &Ledger, citations: &[Citation]) -> String {
    let mut text = format!("{}\n", ledger.name);
    for clause in &ledger.clauses {
        let words: String = clause.words.chars().take(WORDS_SHOWN).collect();
        text.push_str(&format!("  {:<10} {words}\n", clause.id));
        for citation in of(ledger, clause, citations) {
            let role = match &citation.kind {
                Kind::Code => "code".to_owned(),
                Kind::Test => "test".to_owned(),
                Kind::Exception { reason } => format!("departs ({reason})"),
            };
            let line = format!("    {role:<5} {} {}", citation.place, citation.function);
            text.push_str(line.trim_end());
            text.push('\n');
        }
        if let Some(why) = &clause.untested {
            text.push_str(&format!("    no test: {why}\n"));
        }
        for note in &clause.notes {
            text.push_str(&format!("    in part: {note}\n"));
        }
    }
    text
}

/// What a ledger asks for and no citation answers.
fn gaps(ledger: &Ledger, citations: &[Citation]) -> Vec<String> {
    let mut faults = Vec::new();
    for clause in &ledger.clauses {
        let has =
            |test: bool| of(ledger, clause, citations).any(|c| (c.kind == Kind::Test) == test);
        let name = format!("{}#{}", ledger.name, clause.id);
        if ledger.is_quoted && !has(false) {
            faults.push(format!("{name}: no code: cite it where it is fulfilled"));
        }
        match (has(true), &clause.untested) {
            (false, None) => faults.push(format!(
                "{name}: no test: write it, and cite the clause above it"
            )),
            (true, Some(_)) => faults.push(format!(
                "{name}: a test, and a reason for none: take one away"
            )),
            _ => {}
        }
    }
    faults
}

/// A citation of what does not exist, or with words that do not stand there.
fn misquote(citation: &Citation, ledgers: &[Ledger]) -> Option<String> {
    let Citation {
        place,
        document,
        id,
        quote,
        kind,
        ..
    } = citation;
    let Some(ledger) = ledgers.iter().find(|ledger| ledger.name == document) else {
        return Some(format!(
            "{place}: no ledger `{document}`: it is rfc438, spec or security"
        ));
    };
    let Some(clause) = ledger.clauses.iter().find(|clause| clause.id == *id) else {
        return Some(format!("{place}: {document} has no `{id}`: see tests/rfc"));
    };
    if !ledger.is_quoted && *kind != Kind::Test {
        return Some(format!(
            "{place}: `{document}#{id}` outside a test: it names tests only"
        ));
    }
    if ledger.is_quoted && quote.is_empty() {
        return Some(format!(
            "{place}: `{document}#{id}` without words: add a line `//# …`"
        ));
    }
    let stands = clause.words.contains(quote.as_str());
    (!stands).then(|| format!("{place}: misquote: `{quote}` does not stand in {document}#{id}"))
}

fn of<'a>(
    ledger: &Ledger,
    clause: &Clause,
    citations: &'a [Citation],
) -> impl Iterator<Item = &'a Citation> {
    let (name, id) = (ledger.name, clause.id.clone());
    citations
        .iter()
        .filter(move |citation| citation.document == name && citation.id == id)
}

/// How many characters of a clause the report shows.
const WORDS_SHOWN: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    const CODE: &str = "//= rfc438#c\n//# accept an RFC for the\n//# listening socket\nfn a() {}\n";
    const TEST: &str = "//= rfc438#c\n//= type=test\n//# a specified host\nfn b() {}\n";

    fn ledger() -> Ledger {
        let text =
            "# RFC\n\n## c\n\naccept an RFC for the listening\n   socket from a specified host\n";
        Ledger::of_clauses("rfc438", text)
    }

    fn citations(code: &str, test: &str) -> Vec<Citation> {
        let mut tests = Source::new("tests/a.rs", test);
        tests.mark_all_as_test();
        let (mut all, bad) = citation::scan(&Source::new("crates/a/src/a.rs", code));
        let (more, worse) = citation::scan(&tests);
        assert!(bad.is_empty() && worse.is_empty(), "{bad:?} {worse:?}");
        all.extend(more);
        all
    }

    #[test]
    fn a_clause_wants_code_and_a_test() {
        let check = |code: &str, test: &str, expected: &[&str]| {
            let faults = gaps(&ledger(), &citations(code, test));
            assert_eq!(faults.len(), expected.len(), "{faults:?}");
            assert!(
                faults
                    .iter()
                    .zip(expected)
                    .all(|(f, part)| f.contains(part)),
                "{faults:?}"
            );
        };
        check(CODE, TEST, &[]);
        check(CODE, "", &["rfc438#c: no test"]);
        check("", TEST, &["rfc438#c: no code"]);
        check("", "", &["no code", "no test"]);
        let departs =
            "//= rfc438#c\n//= type=exception\n//= reason=TCP has none\n//# accept an RFC\n";
        check(departs, TEST, &[]);
    }

    #[test]
    fn an_id_of_the_test_ledger_wants_a_test_only() {
        let ledger = Ledger::of_tests("spec", "- T-1 `LSTN R` -> 255\n- T-12 stale backlog\n");
        let faults = gaps(&ledger, &citations("", "//= spec#T-12\nfn a() {}\n"));
        assert_eq!(
            faults,
            ["spec#T-1: no test: write it, and cite the clause above it"]
        );
    }

    #[test]
    fn words_must_stand_in_the_clause() {
        let check = |code: &str, expected: &str| {
            let ledgers = [ledger(), Ledger::of_tests("spec", "- T-1 a\n")];
            let all = citations(code, "");
            let faults: Vec<String> = all.iter().filter_map(|c| misquote(c, &ledgers)).collect();
            assert_eq!(
                faults.len(),
                usize::from(!expected.is_empty()),
                "{code}: {faults:?}"
            );
            assert!(
                faults.iter().all(|fault| fault.contains(expected)),
                "{code}: {faults:?}"
            );
        };
        check(CODE, "");
        check("//= rfc438#c\n//# accept  an   RFC\n", "");
        check("//= rfc438#c\n//# accept a request\n", "misquote");
        check("//= rfc438#c\n", "without words");
        check("//= rfc438#e\n//# accept\n", "has no `e`");
        check("//= rfc959#c\n//# accept\n", "no ledger `rfc959`");
    }

    #[test]
    fn the_report_goes_from_clause_to_code_to_test() {
        let text = report(&ledger(), &citations(CODE, TEST));
        let expected = [
            "rfc438",
            "  c          accept an RFC for the listening socket from a specified host",
            "    code  crates/a/src/a.rs:1 a",
            "    test  tests/a.rs:1 b",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_requirement_has_a_test_or_a_reason_and_not_both() {
        let text = "- S-1 a\n- S-2 b\n  - untested: no SQL here\n- S-3 c\n  - in part: d\n";
        let ledger = Ledger::of_tests("security", text);
        let cited = |ids: &[&str]| {
            let test = |id: &&str| format!("//= security#{id}\n//= type=test\nfn {id}() {{}}\n");
            citations("", &ids.iter().map(test).collect::<String>())
        };
        let check = |ids: &[&str], expected: &[&str]| {
            let faults = gaps(&ledger, &cited(ids));
            let begins =
                |(fault, id): (&String, &&str)| fault.starts_with(&format!("security#{id}:"));
            assert_eq!(faults.len(), expected.len(), "{faults:?}");
            assert!(faults.iter().zip(expected).all(begins), "{faults:?}");
        };
        check(&["S-1", "S-3"], &[]);
        check(&["S-1"], &["S-3"]);
        check(&["S-1", "S-2", "S-3"], &["S-2"]);
        let told = report(&ledger, &cited(&[]));
        assert!(told.contains("    no test: no SQL here\n"), "{told}");
        assert!(told.contains("    in part: d\n"), "{told}");
    }
}
