//! What a copy tells while it runs: events, lines or a progress bar.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use thirdhost_client::{ExitCode, Happened, Known, Moved, Observer, Summary, Watcher, Way, escape};

/// Writes down what happens, for a person or for a program.
#[derive(Debug)]
pub(crate) struct Watch {
    style: Style,
    /// Bytes of files that are done, of this and earlier copies.
    done_bytes: AtomicU64,
    /// Whether the bytes pass this host once, so that they can be counted on their way.
    counts: bool,
    /// The last file's way from server to server; `Some(None)` if none was found.
    worked: Mutex<Option<Option<Known>>>,
}

#[derive(Debug)]
enum Style {
    Json,
    Bar(ProgressBar),
    /// A line for what fails and what would be done; more when it was asked for.
    Lines {
        quiet: bool,
    },
}

impl Watch {
    pub(crate) fn json() -> Self {
        Self::of(Style::Json, false)
    }

    pub(crate) fn lines(quiet: bool) -> Self {
        Self::of(Style::Lines { quiet }, false)
    }

    /// `counts`: one end is this host.
    pub(crate) fn bar(counts: bool) -> Self {
        let bar = ProgressBar::new(0);
        let template = "{bytes} of {total_bytes} {bar:30} {bytes_per_sec} {eta} {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self::of(Style::Bar(bar), counts)
    }

    fn of(style: Style, counts: bool) -> Self {
        Self {
            style,
            done_bytes: AtomicU64::new(0),
            counts,
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

    /// The bar goes away.
    pub(crate) fn end(&self) {
        if let Style::Bar(bar) = &self.style {
            bar.finish_and_clear();
        }
    }

    fn say(&self, line: &str) {
        let line = escape(line);
        match &self.style {
            Style::Bar(bar) => bar.suspend(|| {
                let _unheard = writeln!(io::stderr(), "thirdhost: {line}");
            }),
            _ => {
                let _unheard = writeln!(io::stderr(), "thirdhost: {line}");
            }
        }
    }

    fn progress(&self, bar: &ProgressBar, event: &Happened<'_>) {
        match event {
            Happened::Planned { bytes, .. } => bar.set_length(bar.length().unwrap_or(0) + bytes),
            Happened::Started { name, .. } => bar.set_message(escape(name)),
            Happened::Done { moved, .. } => {
                let bytes = moved.offset + moved.bytes.unwrap_or(0);
                let before = self.done_bytes.fetch_add(bytes, Ordering::Relaxed);
                bar.set_position(before + bytes);
            }
            _ => {}
        }
    }
}

impl Watcher for Watch {
    fn happened(&self, event: &Happened<'_>) {
        self.learn(event);
        match &self.style {
            Style::Json => {
                if let Some(event) = as_json(event) {
                    // A reader that is gone shows in the exit code of the pipe.
                    let _unheard = writeln!(io::stdout(), "{event}");
                }
                return;
            }
            Style::Bar(bar) => self.progress(bar, event),
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
    fn sent(&self, _site: &str, _line: &str) {}

    fn received(&self, _site: &str, _line: &str) {}

    fn moved(&self, bytes: u64) {
        if let (Style::Bar(bar), true) = (&self.style, self.counts) {
            bar.inc(bytes);
        }
    }

    fn note(&self, note: &str) {
        match &self.style {
            Style::Json => {
                let event = json!({"event": "rung", "note": note});
                let _unheard = writeln!(io::stdout(), "{event}");
            }
            Style::Bar(_) | Style::Lines { .. } => {}
        }
    }
}

fn as_json(event: &Happened<'_>) -> Option<Value> {
    Some(match event {
        Happened::Planned { files, bytes } => {
            json!({"event": "planned", "files": files, "bytes": bytes})
        }
        Happened::Directory { name } => json!({"event": "directory", "name": name}),
        Happened::Started {
            name,
            bytes,
            offset,
        } => json!({"event": "started", "name": name, "bytes": bytes, "offset": offset}),
        Happened::Done { name, moved } => done(name, moved),
        Happened::WouldCopy { name, bytes } => {
            json!({"event": "would_copy", "name": name, "bytes": bytes})
        }
        Happened::Skipped { name, reason } => {
            json!({"event": "skipped", "name": name, "reason": reason})
        }
        Happened::Retrying {
            name,
            reason,
            after,
        } => json!({
            "event": "retrying", "name": name, "reason": reason, "seconds": after.as_secs(),
        }),
        Happened::Failed(failed) => json!({
            "event": "failed", "name": failed.name, "message": failed.message,
            "exit_code": failed.code.number(),
        }),
        Happened::Deleted { name } => json!({"event": "deleted", "name": name}),
        Happened::Note(note) => json!({"event": "note", "note": note}),
        _ => return None,
    })
}

fn done(name: &str, moved: &Moved) -> Value {
    let (way, arrangement, listener) = match moved.way {
        Way::Direct {
            arrangement,
            listener,
        } => {
            let arrangement = format!("{arrangement:?}").to_lowercase();
            ("direct", Some(arrangement), Some(listener.to_string()))
        }
        Way::Relayed => ("relay", None, None),
        Way::Local => ("local", None, None),
    };
    json!({
        "event": "done",
        "name": name,
        "bytes": moved.bytes,
        "offset": moved.offset,
        "seconds": moved.elapsed.as_secs_f64(),
        "way": way,
        "arrangement": arrangement,
        "listener": listener,
        "verified": moved.verified,
    })
}

/// The last event.
pub(crate) fn summary_event(summary: &Summary, seconds: f64) -> Value {
    json!({
        "event": "summary",
        "copied": summary.copied,
        "skipped": summary.skipped,
        "directories": summary.directories,
        "deleted": summary.deleted,
        "failed": summary.failures.len(),
        "stopped": summary.stopped,
        "bytes_direct": summary.direct_bytes,
        "bytes_relayed": summary.relayed_bytes,
        "bytes_local": summary.local_bytes,
        "seconds": seconds,
        "exit_code": summary.exit_code().number(),
    })
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
