//! `cargo xtask tidy`: the rules of this house that no other tool checks.

mod lines;
mod manifests;
mod purity;
mod verbs;

use std::fmt;

use crate::step::Step;
use crate::tree;

/// The one step.
pub(crate) fn steps() -> Vec<Step> {
    vec![Step::own("tidy", check)]
}

/// A place that breaks a rule.
#[derive(Debug)]
struct Finding {
    path: String,
    line: usize,
    what: String,
    remedy: &'static str,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>, remedy: &'static str) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
            remedy,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}: {}",
            self.path, self.line, self.what, self.remedy
        )
    }
}

fn check() -> Result<(), String> {
    let root = tree::root();
    let sources = tree::sources(&root)?;
    let mut findings = manifests::check(&manifests::read(&root)?);
    for source in &sources {
        findings.extend(lines::check(source));
        findings.extend(purity::check(source));
        findings.extend(verbs::check(source));
    }
    findings.iter().for_each(|finding| println!("{finding}"));
    match findings.len() {
        0 => {
            println!("tidy: {} Rust files, nothing found", sources.len());
            Ok(())
        }
        count => Err(format!("{count} findings in {} Rust files", sources.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_where_what_and_what_to_do() {
        let finding = Finding::new("a/b.rs", 7, "two names for one thing", "keep one");
        assert_eq!(
            finding.to_string(),
            "a/b.rs:7: two names for one thing: keep one"
        );
    }
}
