//! What `--json` writes: one object for each thing that happens. `README.md` lists them.

use serde_json::{Value, json};
use thirdhost_client::{ExitCode, Happened, Moved, Protected, Summary, Way};

/// The event, if programs are told of it.
pub(crate) fn as_json(event: &Happened<'_>) -> Option<Value> {
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
        Happened::Progress { name, bytes, total } => {
            json!({"event": "progress", "name": name, "bytes": bytes, "total": total})
        }
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
    let (way, arrangement, listener) = words(moved.way);
    json!({
        "event": "done",
        "name": name,
        "bytes": moved.bytes,
        "offset": moved.offset,
        "seconds": moved.elapsed.as_secs_f64(),
        "way": way,
        "arrangement": arrangement,
        "listener": listener,
        "streams": moved.streams,
        "protection": moved.protection.map(protection),
        "verified": moved.verified,
    })
}

fn words(way: Way) -> (&'static str, Option<String>, Option<String>) {
    match way {
        Way::Direct {
            arrangement,
            listener,
        } => {
            let arrangement = format!("{arrangement:?}").to_lowercase();
            ("direct", Some(arrangement), Some(listener.to_string()))
        }
        Way::Relayed => ("relay", None, None),
        Way::Local => ("local", None, None),
    }
}

fn protection(protected: Protected) -> &'static str {
    match protected {
        Protected::No => "none",
        Protected::Unchecked => "unchecked",
        Protected::Mutually => "checked",
    }
}

/// The last event.
pub(crate) fn summary_event(summary: &Summary, code: ExitCode, seconds: f64) -> Value {
    json!({
        "event": "summary",
        "copied": summary.copied,
        "skipped": summary.skipped,
        "directories": summary.directories,
        "deleted": summary.deleted,
        "failed": summary.failures.len(),
        "stopped": summary.stopped,
        "bytes_direct": summary.direct_bytes,
        "bytes_direct_tls": summary.direct_tls_bytes,
        "bytes_relayed": summary.relayed_bytes,
        "bytes_local": summary.local_bytes,
        "seconds": seconds,
        "exit_code": code.number(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use thirdhost_client::{Arrangement, Side};

    /// The members of every event are what programs rely on: they may grow, not change.
    fn check(event: &Happened<'_>, expected: &str) {
        let found = as_json(event).unwrap();
        assert_eq!(found, serde_json::from_str::<Value>(expected).unwrap());
        let readme = include_str!("../../../README.md");
        let object = found.as_object().unwrap();
        let row = format!("| `{}` |", object["event"].as_str().unwrap());
        let row = readme.lines().find(|line| line.starts_with(&row)).unwrap();
        for member in object.keys().filter(|member| *member != "event") {
            assert!(
                row.contains(&format!("`{member}`")),
                "{member} is not in: {row}"
            );
        }
    }

    #[test]
    fn every_event_has_the_members_that_are_documented() {
        let name = "a b";
        check(
            &Happened::Planned { files: 2, bytes: 7 },
            r#"{"event":"planned","files":2,"bytes":7}"#,
        );
        check(
            &Happened::Progress {
                name,
                bytes: 3,
                total: Some(7),
            },
            r#"{"event":"progress","name":"a b","bytes":3,"total":7}"#,
        );
        check(
            &Happened::Started {
                name,
                bytes: None,
                offset: 3,
            },
            r#"{"event":"started","name":"a b","bytes":null,"offset":3}"#,
        );
        check(
            &Happened::Directory { name },
            r#"{"event":"directory","name":"a b"}"#,
        );
        check(
            &Happened::WouldCopy {
                name,
                bytes: Some(1),
            },
            r#"{"event":"would_copy","name":"a b","bytes":1}"#,
        );
        check(
            &Happened::Skipped {
                name,
                reason: "it is there",
            },
            r#"{"event":"skipped","name":"a b","reason":"it is there"}"#,
        );
        check(
            &Happened::Deleted { name },
            r#"{"event":"deleted","name":"a b"}"#,
        );
        check(
            &Happened::Retrying {
                name,
                reason: "busy",
                after: std::time::Duration::from_secs(2),
            },
            r#"{"event":"retrying","name":"a b","reason":"busy","seconds":2}"#,
        );
        check(&Happened::Note("so"), r#"{"event":"note","note":"so"}"#);
    }

    #[test]
    fn the_way_of_a_file_is_told() {
        let (arrangement, listener) = (Arrangement::Lstn, Side::Destination);
        let direct = Way::Direct {
            arrangement,
            listener,
        };
        for (way, expected) in [
            (direct, ("direct", Some("lstn"), Some("destination"))),
            (Way::Relayed, ("relay", None, None)),
            (Way::Local, ("local", None, None)),
        ] {
            assert_eq!(
                words(way),
                (
                    expected.0,
                    expected.1.map(str::to_owned),
                    expected.2.map(str::to_owned)
                )
            );
        }
    }
}
