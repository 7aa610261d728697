//! What a copy tells while it runs: events, lines or progress bars.

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use thirdhost_client::{ExitCode, Happened, Known, Observer, Summary, Watcher, Way, escape};

use crate::bars::Bars;
use crate::events;
use crate::warnings::Once;

/// Writes down what happens, for a person or for a program.
#[derive(Debug)]
pub(crate) struct Watch {
    style: Style,
    /// Sees the dialogues too (`-v`).
    inner: Arc<dyn Observer>,
    warned: Once,
    /// The last file's way from server to server; `Some(None)` if none was found.
    worked: Mutex<Option<Option<Known>>>,
}

#[derive(Debug)]
enum Style {
    Json,
    Bars(Bars),
    /// A line for what fails and what would be done; more when it was asked for.
    Lines {
        quiet: bool,
    },
}

impl Watch {
    pub(crate) fn json(inner: Arc<dyn Observer>) -> Self {
        Self::of(Style::Json, inner)
    }

    pub(crate) fn lines(inner: Arc<dyn Observer>, quiet: bool) -> Self {
        Self::of(Style::Lines { quiet }, inner)
    }

    pub(crate) fn bars(inner: Arc<dyn Observer>) -> Self {
        Self::of(Style::Bars(Bars::new()), inner)
    }

    fn of(style: Style, inner: Arc<dyn Observer>) -> Self {
        Self {
            style,
            inner,
            warned: Once::default(),
            worked: Mutex::default(),
        }
    }

    /// What worked between the two servers, `Some(None)` if nothing did; `None` if nothing was
    /// learnt. Taken once.
    pub(crate) fn worked(&self) -> Option<Option<Known>> {
        self.learnt().take()
    }

    fn learnt(&self) -> MutexGuard<'_, Option<Option<Known>>> {
        self.worked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, event: &Happened<'_>) {
        let worked = match event {
            Happened::Done { moved, .. } => match moved.way {
                Way::Direct {
                    arrangement,
                    listener,
                } => Some(Known::Direct {
                    arrangement,
                    listener,
                }),
                Way::Relayed => Some(Known::Relay),
                Way::Local => return,
            },
            Happened::Failed(failed) if failed.code == ExitCode::ThirdPartyRefused => None,
            _ => return,
        };
        *self.learnt() = Some(worked);
    }

    /// The bars go away.
    pub(crate) fn end(&self) {
        if let Style::Bars(bars) = &self.style {
            bars.end();
        }
    }

    fn say(&self, line: &str) {
        let line = format!("thirdhost: {}", escape(line));
        match &self.style {
            Style::Bars(bars) => bars.say(&line),
            _ => {
                let _unheard = writeln!(io::stderr(), "{line}");
            }
        }
    }
}

impl Watcher for Watch {
    fn happened(&self, event: &Happened<'_>) {
        self.learn(event);
        match &self.style {
            Style::Json => {
                if let Some(event) = events::as_json(event) {
                    // A reader that is gone shows in the exit code of the pipe.
                    let _unheard = writeln!(io::stdout(), "{event}");
                }
                return;
            }
            Style::Bars(bars) => bars.happened(event),
            Style::Lines { quiet: true } => {
                if let Happened::Failed(failed) = event {
                    self.say(&format!("{}: {}", failed.name, failed.message));
                }
                return;
            }
            Style::Lines { .. } => {}
        }
        match event {
            Happened::Failed(failed) => self.say(&format!("{}: {}", failed.name, failed.message)),
            Happened::WouldCopy { name, bytes } => {
                let bytes = bytes.map_or("?".to_owned(), |bytes| bytes.to_string());
                self.say(&format!("would copy {name} ({bytes} bytes)"));
            }
            Happened::Retrying {
                name,
                reason,
                after,
            } => self.say(&format!("{name}: {reason}; again in {} s", after.as_secs())),
            Happened::Deleted { name } => self.say(&format!("remove {name}")),
            Happened::Note(note) => self.say(note),
            _ => {}
        }
    }
}

impl Observer for Watch {
    fn sent(&self, site: &str, line: &str) {
        self.inner.sent(site, line);
    }

    fn received(&self, site: &str, line: &str) {
        self.inner.received(site, line);
    }

    fn warning(&self, warning: &str) {
        if !self.warned.is_first(warning) {
            return;
        }
        match &self.style {
            Style::Json => {
                let event = json!({"event": "warning", "warning": warning});
                let _unheard = writeln!(io::stdout(), "{event}");
            }
            Style::Lines { quiet: true } => {}
            Style::Bars(_) | Style::Lines { .. } => self.say(warning),
        }
    }

    fn note(&self, note: &str) {
        self.inner.note(note);
        if let Style::Json = &self.style {
            let event = json!({"event": "rung", "note": note});
            let _unheard = writeln!(io::stdout(), "{event}");
        }
    }
}

/// The last line.
pub(crate) fn summary_line(summary: &Summary, seconds: f64, dry_run: bool) -> String {
    let would = if dry_run { "would be " } else { "" };
    let mut parts = vec![format!(
        "{} files {would}copied in {seconds:.3} s: {} bytes direct, {} bytes relayed",
        summary.copied, summary.direct_bytes, summary.relayed_bytes
    )];
    for (count, what) in [
        (summary.local_bytes, "bytes from or to this host"),
        (summary.directories, "directories made"),
        (summary.skipped, "left as they are"),
        (summary.deleted, "removed"),
        (summary.failures.len() as u64, "failed"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    if summary.stopped {
        parts.push("stopped".to_owned());
    }
    parts.join(", ")
}
