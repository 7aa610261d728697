//! Warnings of the library on stderr, each once, however many connections give it.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use thirdhost_client::{Observer, escape};

/// Says warnings and nothing else.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    said: Once,
}

impl Observer for Warnings {
    fn sent(&self, _site: &str, _line: &str) {}

    fn received(&self, _site: &str, _line: &str) {}

    fn warning(&self, warning: &str) {
        if self.said.is_first(warning) {
            let _unheard = writeln!(std::io::stderr(), "thirdhost: {}", escape(warning));
        }
    }

    fn note(&self, _note: &str) {}
}

/// Which texts were said.
#[derive(Debug, Default)]
pub(crate) struct Once(Mutex<HashSet<String>>);

impl Once {
    /// Whether this is said for the first time.
    pub(crate) fn is_first(&self, text: &str) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.insert(text.to_owned())
    }
}
