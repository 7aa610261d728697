//! A ledger: the clauses that code or tests must cite, read from a file in `tests/rfc`.

/// The clauses of one document.
#[derive(Debug)]
pub(super) struct Ledger {
    /// The document's name in a citation.
    pub(super) name: &'static str,
    /// Its clauses in order.
    pub(super) clauses: Vec<Clause>,
    /// A citation quotes words, and code cites as well as tests do.
    pub(super) is_quoted: bool,
}

/// One clause.
#[derive(Debug)]
pub(super) struct Clause {
    /// What a citation names it by.
    pub(super) id: String,
    /// Its words, with every run of white space folded into one space.
    pub(super) words: String,
    /// Why no test shows it.
    pub(super) untested: Option<String>,
    /// What of it no test shows, and why.
    pub(super) notes: Vec<String>,
}

impl Ledger {
    /// Clauses under headings `## id`; what stands before the first is for the reader.
    pub(super) fn of_clauses(name: &'static str, text: &str) -> Self {
        let sections = text.split("\n## ").skip(1);
        let clauses = sections.filter_map(|section| {
            let (id, words) = section.split_once('\n')?;
            Some(Clause::new(id.trim(), words))
        });
        Self {
            name,
            clauses: clauses.collect(),
            is_quoted: true,
        }
    }

    /// Tests in lines `- T-n words`, perhaps with lines `  - untested: why` or `  - in part: what
    /// is not, and why` beneath them; other lines are for the reader.
    pub(super) fn of_tests(name: &'static str, text: &str) -> Self {
        let mut clauses: Vec<Clause> = Vec::new();
        for line in text.lines() {
            if let Some((id, words)) = line.strip_prefix("- ").and_then(|l| l.split_once(' ')) {
                clauses.push(Clause::new(id, words));
            } else if let Some(clause) = clauses.last_mut() {
                clause.hear(line);
            }
        }
        Self {
            name,
            clauses,
            is_quoted: false,
        }
    }
}

impl Clause {
    fn new(id: &str, words: &str) -> Self {
        Self {
            id: id.to_owned(),
            words: fold(words),
            untested: None,
            notes: Vec::new(),
        }
    }

    fn hear(&mut self, line: &str) {
        if let Some(why) = line.strip_prefix("  - untested: ") {
            self.untested = Some(fold(why));
        } else if let Some(note) = line.strip_prefix("  - in part: ") {
            self.notes.push(fold(note));
        }
    }
}

/// Folds every run of white space into one space.
pub(super) fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(ledger: &Ledger) -> Vec<(&str, &str)> {
        ledger
            .clauses
            .iter()
            .map(|c| (c.id.as_str(), c.words.as_str()))
            .collect()
    }

    #[test]
    fn clauses_stand_under_headings() {
        let text = "# RFC\nfor the reader\n\n## a\n\n  One  two\nthree.\n\n## d.1\n\nFour\n";
        let ledger = Ledger::of_clauses("rfc438", text);
        assert_eq!(pairs(&ledger), [("a", "One two three."), ("d.1", "Four")]);
    }

    #[test]
    fn tests_stand_in_lines() {
        let text = "# Tests\nfor the reader\n\n- T-1 `LSTN  R`\n- T-20 classic\n";
        let ledger = Ledger::of_tests("spec", text);
        assert_eq!(pairs(&ledger), [("T-1", "`LSTN R`"), ("T-20", "classic")]);
    }

    #[test]
    fn what_is_not_tested_has_its_reason_beneath() {
        let text =
            "- S-1 one\n  - untested: no  such thing here\n- S-2 two\n  - in part: a\n\n- S-3 x\n";
        let ledger = Ledger::of_tests("security", text);
        let told: Vec<_> = ledger
            .clauses
            .iter()
            .map(|clause| (clause.untested.as_deref(), clause.notes.join(" ")))
            .collect();
        let none = String::new;
        assert_eq!(
            told,
            [
                (Some("no such thing here"), none()),
                (None, "a".to_owned()),
                (None, none())
            ]
        );
    }

    #[test]
    fn the_ledgers_of_this_tree_are_complete() {
        let read = |name| {
            let path = crate::tree::root().join("tests/rfc").join(name);
            std::fs::read_to_string(path).unwrap()
        };
        let clauses = Ledger::of_clauses("rfc438", &read("rfc438.md"));
        let ids: Vec<&str> = clauses
            .clauses
            .iter()
            .map(|clause| clause.id.as_str())
            .collect();
        let examples = ["example.1", "example.2", "example.3", "example.4"];
        assert_eq!(
            ids,
            [&["a", "a.1", "a.2", "b", "c", "d.1", "d.2"][..], &examples].concat()
        );
        assert!(
            clauses
                .clauses
                .iter()
                .all(|clause| !clause.words.is_empty())
        );
        let tests = Ledger::of_tests("spec", &read("t-tests.md"));
        let ids: Vec<String> = tests.clauses.into_iter().map(|clause| clause.id).collect();
        assert_eq!(ids, (1..=25).map(|n| format!("T-{n}")).collect::<Vec<_>>());
    }
}
