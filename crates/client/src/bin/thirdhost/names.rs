//! `ls`, `stat`, `rm` and `mkdir`: what one server holds under which names.

use serde_json::json;
use thirdhost_client::{FactsLine, FileKind, Listing, TimeVal};

use crate::console::Console;
use crate::failure::Failure;
use crate::session;

pub(crate) async fn list(console: &Console, place: &str) -> Result<(), Failure> {
    let remote = session::remote(place)?;
    let mut conn = session::open(console, &remote).await?;
    let listing = conn.list(remote.path.as_ref()).await;
    let listing = listing.map_err(|source| match &remote.path {
        Some(path) => Failure::At {
            path: path.as_str().to_owned(),
            source,
        },
        None => source.into(),
    })?;
    match listing {
        Listing::Facts {
            mut entries,
            unreadable,
        } => {
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            let size = |entry: &FactsLine| entry.facts.size().map(|size| size.to_string());
            let width = entries.iter().filter_map(size).map(|size| size.len()).max();
            for entry in &entries {
                let kind = entry.facts.kind();
                let modified = entry.facts.modified();
                let event = json!({
                    "event": "entry",
                    "name": entry.name.as_str(),
                    "kind": word(kind.as_ref()),
                    "size": entry.facts.size(),
                    "modified": modified.map(|time| time.to_string()),
                });
                let line = format!(
                    "{} {:>width$} {:<19} {}",
                    letter(kind.as_ref()),
                    size(entry).as_deref().unwrap_or("-"),
                    modified.map_or("-".to_owned(), readable),
                    entry.name,
                    width = width.unwrap_or(1),
                );
                console.answer(&line, &event)?;
            }
            if unreadable > 0 {
                console.note(&format!(
                    "{unreadable} names cannot be used and are not shown"
                ));
            }
        }
        Listing::Raw(lines) => {
            for line in &lines {
                console.answer(line, &json!({"event": "line", "text": line}))?;
            }
        }
        _ => {}
    }
    conn.quit().await.ok();
    Ok(())
}

pub(crate) async fn stat(console: &Console, place: &str) -> Result<(), Failure> {
    let remote = session::remote(place)?;
    let path = session::path(&remote)?;
    let mut conn = session::open(console, &remote).await?;
    let stat = match conn.stat(path).await {
        Ok(stat) => stat,
        Err(source) => {
            let path = path.as_str().to_owned();
            return Err(Failure::At { path, source });
        }
    };
    conn.quit().await.ok();
    let modified = stat.modified.map(|time| time.to_string());
    let event = json!({
        "event": "stat",
        "path": path.as_str(),
        "kind": word(Some(&stat.kind)),
        "size": stat.size,
        "modified": modified,
    });
    let line = format!(
        "{} {} {} {path}",
        word(Some(&stat.kind)),
        stat.size.map_or("-".to_owned(), |size| size.to_string()),
        stat.modified.map_or("-".to_owned(), readable),
    );
    console.answer(&line, &event)
}

pub(crate) async fn remove(console: &Console, place: &str) -> Result<(), Failure> {
    let remote = session::remote(place)?;
    let mut conn = session::open(console, &remote).await?;
    let path = session::path(&remote)?;
    if let Err(error) = conn.remove_file(path).await {
        return Err(session::at(&mut conn, path, error).await);
    }
    conn.quit().await.ok();
    Ok(())
}

pub(crate) async fn make_directory(console: &Console, place: &str) -> Result<(), Failure> {
    let remote = session::remote(place)?;
    let mut conn = session::open(console, &remote).await?;
    let path = session::path(&remote)?;
    if let Err(error) = conn.make_directory(path).await {
        return Err(session::at(&mut conn, path, error).await);
    }
    conn.quit().await.ok();
    Ok(())
}

/// `2026-11-23 03:25:18`, in UTC as the server tells it.
fn readable(time: TimeVal) -> String {
    let digits = time.to_string();
    let part = |range| digits.get(range).unwrap_or_default();
    format!(
        "{}-{}-{} {}:{}:{}",
        part(0..4),
        part(4..6),
        part(6..8),
        part(8..10),
        part(10..12),
        part(12..14)
    )
}

fn word(kind: Option<&FileKind>) -> &'static str {
    match kind {
        Some(FileKind::File) => "file",
        Some(FileKind::Directory | FileKind::ListedDirectory | FileKind::ParentDirectory) => {
            "directory"
        }
        Some(FileKind::Other(_)) | None => "other",
    }
}

fn letter(kind: Option<&FileKind>) -> char {
    match word(kind) {
        "file" => '-',
        "directory" => 'd',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_readable() {
        for (time, expected) in [
            ("20261123032518", "2026-11-23 03:25:18"),
            ("00010203040506.789", "0001-02-03 04:05:06"),
        ] {
            assert_eq!(readable(time.parse().unwrap()), expected);
        }
    }
}
