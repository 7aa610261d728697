//! `ls`, `stat`, `rm` and `mkdir`: what one server holds under which names.

use serde_json::json;
use thirdhost_client::{FileKind, Listing};

use crate::console::Console;
use crate::failure::Failure;
use crate::session;

pub(crate) async fn list(console: &Console, place: &str) -> Result<(), Failure> {
    let remote = session::remote(place)?;
    let mut conn = session::open(console, &remote).await?;
    match conn.list(remote.path.as_ref()).await? {
        Listing::Facts {
            entries,
            unreadable,
        } => {
            for entry in &entries {
                let (kind, size) = (entry.facts.kind(), entry.facts.size());
                let modified = entry.facts.modified().map(|time| time.to_string());
                let event = json!({
                    "event": "entry",
                    "name": entry.name.as_str(),
                    "kind": word(kind.as_ref()),
                    "size": size,
                    "modified": modified,
                });
                let line = format!(
                    "{} {:>14} {:>14} {}",
                    letter(kind.as_ref()),
                    size.map_or("-".to_owned(), |size| size.to_string()),
                    modified.as_deref().unwrap_or("-"),
                    entry.name
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
    let stat = conn.stat(path).await?;
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
        modified.as_deref().unwrap_or("-"),
    );
    console.answer(&line, &event)
}

pub(crate) async fn remove(console: &Console, place: &str) -> Result<(), Failure> {
    let remote = session::remote(place)?;
    let mut conn = session::open(console, &remote).await?;
    conn.remove_file(session::path(&remote)?).await?;
    conn.quit().await.ok();
    Ok(())
}

pub(crate) async fn make_directory(console: &Console, place: &str) -> Result<(), Failure> {
    let remote = session::remote(place)?;
    let mut conn = session::open(console, &remote).await?;
    conn.make_directory(session::path(&remote)?).await?;
    conn.quit().await.ok();
    Ok(())
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
