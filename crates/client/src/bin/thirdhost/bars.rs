//! Progress for a person: a bar for the whole, and one for each file under way.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use thirdhost_client::{Happened, escape};

/// Bars on a terminal.
#[derive(Debug)]
pub(crate) struct Bars {
    all: MultiProgress,
    total: ProgressBar,
    files: Mutex<Files>,
}

#[derive(Debug, Default)]
struct Files {
    under_way: HashMap<String, ProgressBar>,
    /// Bytes of the files that are done.
    done: u64,
}

impl Bars {
    pub(crate) fn new() -> Self {
        let all = MultiProgress::new();
        let total = all.add(ProgressBar::new(0));
        let template = "{bytes} of {total_bytes} {bar:30} {bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            total.set_style(style);
        }
        Self {
            all,
            total,
            files: Mutex::default(),
        }
    }

    pub(crate) fn happened(&self, event: &Happened<'_>) {
        match event {
            Happened::Planned { bytes, .. } => self.total.inc_length(*bytes),
            Happened::Started {
                name,
                bytes,
                offset,
            } => self.started(name, *bytes, *offset),
            Happened::Progress { name, bytes, .. } => {
                if let Some(bar) = self.files().under_way.get(*name) {
                    bar.set_position(*bytes);
                }
            }
            Happened::Done { name, moved } => {
                self.ended(name, moved.offset + moved.bytes.unwrap_or(0));
            }
            Happened::Retrying { name, .. } | Happened::Skipped { name, .. } => self.ended(name, 0),
            Happened::Failed(failed) => self.ended(&failed.name, 0),
            _ => return,
        }
        let files = self.files();
        let under_way: u64 = files.under_way.values().map(ProgressBar::position).sum();
        self.total.set_position(files.done + under_way);
    }

    /// A line that the bars do not tear.
    pub(crate) fn say(&self, line: &str) {
        self.all.suspend(|| {
            let _unheard = writeln!(io::stderr(), "{line}");
        });
    }

    /// The bars go away.
    pub(crate) fn end(&self) {
        for (_, bar) in self.files().under_way.drain() {
            bar.finish_and_clear();
        }
        self.total.finish_and_clear();
    }

    fn started(&self, name: &str, bytes: Option<u64>, offset: u64) {
        self.ended(name, 0);
        let bar = match bytes {
            Some(bytes) => ProgressBar::new(bytes),
            None => ProgressBar::no_length(),
        };
        let bar = self.all.insert_before(&self.total, bar);
        let template = "{bytes} of {total_bytes} {bar:30} {bytes_per_sec} {eta} {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_position(offset);
        // What was there before says nothing about the rate.
        bar.reset_eta();
        bar.set_message(escape(name));
        self.files().under_way.insert(name.to_owned(), bar);
    }

    fn ended(&self, name: &str, bytes: u64) {
        let mut files = self.files();
        files.done += bytes;
        if let Some(bar) = files.under_way.remove(name) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
