//! What is told of all cases together.

use std::time::Duration;

use crate::oracle::Verdict;

/// Counts over all cases that have ended.
#[derive(Debug, Default)]
pub(crate) struct Report {
    cases: usize,
    /// Cases in which a rule was broken, with what broke it.
    failed: Vec<String>,
    unknown: usize,
    codes: std::collections::BTreeMap<i32, usize>,
    /// How long both servers took to be free.
    free: Vec<Duration>,
    client: Vec<Duration>,
}

impl Report {
    pub(crate) fn add(&mut self, name: &str, verdict: &Verdict) {
        self.cases += 1;
        self.unknown += usize::from(verdict.is_unknown);
        if let Some(code) = verdict.code {
            *self.codes.entry(code).or_default() += 1;
        }
        self.free.extend(verdict.free_after);
        self.client.push(verdict.client_after);
        if !verdict.problems.is_empty() {
            self.failed
                .push(format!("{name}: {}", verdict.problems.join("; ")));
        }
    }

    pub(crate) fn is_good(&self) -> bool {
        self.failed.is_empty()
    }

    pub(crate) fn print(&mut self, took: Duration) {
        for failed in &self.failed {
            println!("FAILED {failed}");
        }
        println!(
            "{} cases in {} s, {} failed",
            self.cases,
            took.as_secs(),
            self.failed.len()
        );
        println!(
            "both servers free after the cut: {}",
            spread(&mut self.free)
        );
        println!("client ended after the cut: {}", spread(&mut self.client));
        let codes: Vec<String> = self
            .codes
            .iter()
            .map(|(code, times)| format!("{code}: {times} times"))
            .collect();
        println!("exit codes of the client: {}", codes.join(", "));
        println!(
            "cases in which a file was there whole and the client could not know, cut off or told \
             by a server that it had failed: {}",
            self.unknown
        );
    }
}

fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    let most = times.last().copied().unwrap_or_default();
    format!("{middle:.1?} in the middle, {most:.1?} at most")
}
