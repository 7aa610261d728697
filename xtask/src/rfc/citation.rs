//! Finds citations in the comments of a file: `//= document#id`, then what is said about it.

use super::ledger::fold;
use crate::source::{Line, Source};

/// One citation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Citation {
    /// `path:line` of its first line.
    pub(super) place: String,
    /// That line, from 1.
    pub(super) line: usize,
    /// The document it cites.
    pub(super) document: String,
    /// The clause in it.
    pub(super) id: String,
    /// The words it quotes, folded; may be empty.
    pub(super) quote: String,
    /// What stands below it.
    pub(super) kind: Kind,
    /// The name of the function below it; empty when there is none.
    pub(super) function: String,
}

/// What a citation stands above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Code that fulfils the clause.
    Code,
    /// A test of the clause.
    Test,
    /// Code that departs from the clause.
    Exception {
        /// Why.
        reason: String,
    },
}

/// The citations of a file, and what is wrong with those that are none.
pub(super) fn scan(source: &Source) -> (Vec<Citation>, Vec<String>) {
    let mut citations = Vec::new();
    let mut faults = Vec::new();
    let mut open: Option<Draft> = None;
    for (number, line) in source.numbered() {
        let place = format!("{}:{number}", source.path());
        let said = Said::in_line(line);
        if let Some(Said::Begins { .. } | Said::Nothing) = said {
            close(open.take(), &mut citations, &mut faults);
        }
        match (said, &mut open) {
            (Some(Said::Nothing), _) => {}
            (Some(Said::Begins { document, id }), _) => {
                open = Some(Draft::new(source, (number, line), document, id));
            }
            (Some(said), Some(draft)) => draft.add(said),
            (Some(_), None) => {
                faults.push(format!(
                    "{place}: no clause above it: begin with `//= rfc438#id`"
                ));
            }
            (None, _) => faults.push(format!(
                "{place}: malformed citation: see tests/rfc/README.md"
            )),
        }
    }
    close(open, &mut citations, &mut faults);
    for citation in &mut citations {
        citation.function = function_below(source, citation.line).unwrap_or_default();
    }
    (citations, faults)
}

/// The name of the first function below a line.
fn function_below(source: &Source, line: usize) -> Option<String> {
    let mut below = source.numbered().skip_while(|(number, _)| *number <= line);
    below.find_map(|(_, line)| {
        let at = line.code.trim_start();
        let name = at
            .strip_prefix("fn ")
            .or_else(|| Some(at.split_once(" fn ")?.1))?;
        Some(name.split(['(', '<']).next()?.trim().to_owned())
    })
}

fn close(draft: Option<Draft>, citations: &mut Vec<Citation>, faults: &mut Vec<String>) {
    match draft.map(Draft::finish) {
        Some(Ok(citation)) => citations.push(citation),
        Some(Err(fault)) => faults.push(fault),
        None => {}
    }
}

/// What one line says to the ledger.
enum Said {
    Nothing,
    Begins { document: String, id: String },
    Quotes(String),
    IsTest,
    IsException,
    Because(String),
}

impl Said {
    /// `None` for a line that begins like a citation and is none.
    fn in_line(line: &Line) -> Option<Self> {
        if let Some(words) = line.comment.strip_prefix("//#") {
            let words = words.trim();
            return (!words.is_empty()).then(|| Self::Quotes(words.to_owned()));
        }
        let Some(said) = line.comment.strip_prefix("//=") else {
            return Some(Self::Nothing);
        };
        if !line.code.trim().is_empty() {
            return None;
        }
        match said.trim() {
            "type=test" => Some(Self::IsTest),
            "type=exception" => Some(Self::IsException),
            said => {
                if let Some(reason) = said.strip_prefix("reason=") {
                    return (!reason.is_empty()).then(|| Self::Because(reason.to_owned()));
                }
                let (document, id) = said.split_once('#')?;
                let plain = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
                let begins = Self::Begins {
                    document: document.to_owned(),
                    id: id.to_owned(),
                };
                (plain(document) && plain(id)).then_some(begins)
            }
        }
    }
}

/// A citation that is still being read.
struct Draft {
    place: String,
    line: usize,
    document: String,
    id: String,
    quote: Vec<String>,
    in_test: bool,
    is_test: bool,
    is_exception: bool,
    reason: Option<String>,
}

impl Draft {
    fn new(source: &Source, (number, line): (usize, &Line), document: String, id: String) -> Self {
        let place = format!("{}:{number}", source.path());
        // An id of the test ledger says by itself that a test follows.
        let is_test = document == "spec";
        let in_test = line.test || source.path().starts_with("crates/harness/");
        let (quote, reason) = (Vec::new(), None);
        Self {
            place,
            line: number,
            document,
            id,
            quote,
            in_test,
            is_test,
            is_exception: false,
            reason,
        }
    }

    fn add(&mut self, said: Said) {
        match said {
            Said::Quotes(words) => self.quote.push(words),
            Said::IsTest => self.is_test = true,
            Said::IsException => self.is_exception = true,
            Said::Because(reason) => self.reason = Some(reason),
            Said::Nothing | Said::Begins { .. } => {}
        }
    }

    fn finish(self) -> Result<Citation, String> {
        let Self {
            place,
            line,
            document,
            id,
            quote,
            in_test,
            is_test,
            is_exception,
            reason,
        } = self;
        let fault = |what: &str| Err(format!("{place}: {document}#{id}: {what}"));
        if quote.len() > QUOTE_LINES_MAX {
            return fault("more than 3 quoted lines: quote the words that matter here");
        }
        let kind = match (is_test, is_exception, reason) {
            (true, false, None) => Kind::Test,
            (false, false, None) => Kind::Code,
            (false, true, Some(reason)) => Kind::Exception { reason },
            (false, true, None) => return fault("an exception without `//= reason=…`: say why"),
            (false, false, Some(_)) => {
                return fault("a reason without `//= type=exception`: add it");
            }
            (true, _, _) => {
                return fault("a test is no exception: cite the clause in code for that");
            }
        };
        if is_test && !in_test {
            return fault("`type=test` outside a test: take the line away, or move the citation");
        }
        if !is_test && in_test {
            return fault("a test without `//= type=test`: add the line");
        }
        Ok(Citation {
            place,
            line,
            document,
            id,
            quote: fold(&quote.join(" ")),
            kind,
            function: String::new(),
        })
    }
}

/// Longer quotes drown the code.
const QUOTE_LINES_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_are_read_with_their_words_and_kind() {
        let check = |path: &str, text: &str, expected: &[(&str, &str, &str, Kind)]| {
            let (mut found, faults) = scan(&Source::new(path, text));
            for citation in &mut found {
                citation.function.clear();
            }
            assert_eq!(faults, [""; 0], "{text}");
            let expected: Vec<Citation> = expected
                .iter()
                .map(|(line, name, quote, kind)| {
                    let (document, id) = name.split_once('#').unwrap();
                    let (document, id, quote) = (document.into(), id.into(), (*quote).into());
                    Citation {
                        place: format!("{path}:{line}"),
                        line: line.parse().unwrap(),
                        document,
                        id,
                        quote,
                        kind: kind.clone(),
                        function: String::new(),
                    }
                })
                .collect();
            assert_eq!(found, expected, "{text}");
        };
        let code =
            "//! A.\n  //= rfc438#d.1\n  //# On success the\n  //#   reply must\n  fn a() {}\n";
        check(
            "a.rs",
            code,
            &[("2", "rfc438#d.1", "On success the reply must", Kind::Code)],
        );
        let two = "//= rfc438#a\n//# A\n//= rfc438#b\n//# B\n";
        let both = [
            ("1", "rfc438#a", "A", Kind::Code),
            ("3", "rfc438#b", "B", Kind::Code),
        ];
        check("a.rs", two, &both);
        let departs = "//= rfc438#a\n//= type=exception\n//= reason=no NCP\n//# A\n";
        let kind = Kind::Exception {
            reason: "no NCP".to_owned(),
        };
        check("a.rs", departs, &[("1", "rfc438#a", "A", kind)]);
        let test = "#[cfg(test)]\nmod tests {\n//= rfc438#a\n//= type=test\n//# A\n}";
        check("a.rs", test, &[("3", "rfc438#a", "A", Kind::Test)]);
        let harness = "//= rfc438#a\n//# A\n//= type=test\n//= spec#T-5\n";
        let both = [
            ("1", "rfc438#a", "A", Kind::Test),
            ("4", "spec#T-5", "", Kind::Test),
        ];
        check("crates/harness/src/a.rs", harness, &both);
        check(
            "a.rs",
            "let a = \"//= rfc438#a\";\n// = b\n/// //= rfc438#c\n",
            &[],
        );
    }

    #[test]
    fn a_citation_knows_the_function_below_it() {
        let text = [
            "//= rfc438#a\n//# A\n//= rfc438#b\n//# B\n#[x]\n  pub async fn one<T>(f: fn()) {}\n",
            "//= rfc438#c\n//# C\nfn two() {}\n//= rfc438#d\n//# D\n",
        ]
        .concat();
        let (found, _) = scan(&Source::new("a.rs", &text));
        let names: Vec<&str> = found.iter().map(|found| found.function.as_str()).collect();
        assert_eq!(names, ["one", "one", "two", ""]);
    }

    #[test]
    fn malformed_citations_are_named() {
        let check = |text: &str, expected: &str| {
            let (_, faults) = scan(&Source::new("a.rs", text));
            assert_eq!(faults.len(), 1, "{text}: {faults:?}");
            assert!(
                faults.iter().all(|fault| fault.contains(expected)),
                "{text}: {faults:?}"
            );
        };
        check("//= rfc438 c\n", "a.rs:1: malformed");
        check("//= rfc438#\n", "a.rs:1: malformed");
        check("\n\n//= type=todo\n", "a.rs:3: malformed");
        check("a(); //= rfc438#c\n", "a.rs:1: malformed");
        check("//# words\n", "a.rs:1: no clause above it");
        check(
            "//= rfc438#c\n//# a\nfn a() {}\n//# b\n",
            "a.rs:4: no clause above it",
        );
        check(
            "//= rfc438#c\n//# a\n//# b\n//# c\n//# d\n",
            "more than 3 quoted lines",
        );
        check(
            "//= rfc438#c\n//# a\n//= type=exception\n",
            "an exception without",
        );
        check("//= rfc438#c\n//# a\n//= reason=none\n", "a reason without");
        check("//= rfc438#c\n//# a\n//= type=test\n", "outside a test");
        check("//= spec#T-1\n", "outside a test");
        let code_in_test = "#[cfg(test)]\nmod tests {\n//= rfc438#c\n//# a\n}\n";
        check(code_in_test, "a test without");
    }
}
