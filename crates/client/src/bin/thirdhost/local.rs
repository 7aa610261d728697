//! `get`, `put` and `cat`: files between a server and this host.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;
use thirdhost_client::{Pathname, Remote};
use tokio::io::AsyncWriteExt as _;

use crate::console::Console;
use crate::failure::{Failure, WRITE_IN};
use crate::session;

pub(crate) async fn get(
    console: &Console,
    place: &str,
    file: Option<&Path>,
) -> Result<(), Failure> {
    let remote = session::remote(place)?;
    fetch(console, &remote, file.unwrap_or(Path::new("."))).await
}

pub(crate) async fn put(console: &Console, file: &Path, place: &str) -> Result<(), Failure> {
    store(console, file, &session::remote(place)?, false).await
}

pub(crate) async fn cat(console: &Console, place: &str) -> Result<(), Failure> {
    let remote = session::remote(place)?;
    let mut conn = session::open(console, &remote).await?;
    let path = session::path(&remote)?;
    if let Err(error) = conn.get(path, &mut tokio::io::stdout()).await {
        return Err(session::at(&mut conn, path, error).await);
    }
    conn.quit().await.ok();
    Ok(())
}

/// Fetches to a file that appears under its name only when all of it has arrived.
pub(crate) async fn fetch(console: &Console, from: &Remote, to: &Path) -> Result<(), Failure> {
    let path = session::path(from)?;
    let to = if to.is_dir() {
        to.join(own_name(path)?)
    } else {
        to.to_owned()
    };
    let mut conn = session::open(console, from).await?;
    let temporary = temporary_beside(&to)?;
    let file = |what| {
        let path = to.clone();
        move |source| Failure::File { what, path, source }
    };
    let handle = temporary.reopen().map_err(file("write"))?;
    let mut handle = tokio::fs::File::from_std(handle);
    let bytes = match conn.get(path, &mut handle).await {
        Ok(bytes) => bytes,
        Err(error) => return Err(session::at(&mut conn, path, error).await),
    };
    handle.flush().await.map_err(file("write"))?;
    temporary
        .persist(&to)
        .map_err(|error| file("rename to")(error.error))?;
    conn.quit().await.ok();
    report(console, bytes, &from.site(), &to)
}

/// Stores or appends a local file.
pub(crate) async fn store(
    console: &Console,
    from: &Path,
    to: &Remote,
    append: bool,
) -> Result<(), Failure> {
    let name = stored_name(from, to)?;
    let mut file = tokio::fs::File::open(from)
        .await
        .map_err(|source| Failure::File {
            what: "read",
            path: from.to_owned(),
            source,
        })?;
    let mut conn = session::open(console, to).await?;
    let stored = if append {
        conn.append(&name, &mut file).await
    } else {
        conn.put(&name, &mut file).await
    };
    let bytes = match stored {
        Ok(bytes) => bytes,
        Err(error) => return Err(session::at(&mut conn, &name, error).await),
    };
    conn.quit().await.ok();
    report(console, bytes, &to.site(), from)
}

fn report(console: &Console, bytes: u64, site: &str, file: &Path) -> Result<(), Failure> {
    let event = json!({
        "event": "transferred",
        "site": site,
        "file": file.to_string_lossy(),
        "bytes": bytes,
        "bytes_through_this_host": bytes,
    });
    if console.is_json() {
        return console.result("", &event);
    }
    console.note(&format!("{bytes} bytes through this host"));
    Ok(())
}

/// SECURITY: the name is the person's own word, not the server's, but it may still hold `..`.
fn own_name(path: &Pathname) -> Result<PathBuf, Failure> {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    match name {
        "" | "." | ".." => Err(Failure::Usage(format!(
            "{path} names no file; say where it shall go"
        ))),
        name => Ok(PathBuf::from(name)),
    }
}

fn stored_name(from: &Path, to: &Remote) -> Result<Pathname, Failure> {
    let told = to.path_text();
    if !told.is_empty() && !told.ends_with('/') {
        return Ok(session::path(to)?.clone());
    }
    let name = from
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| {
            Failure::Usage(format!(
                "{} has no name that can be sent; name the place",
                from.display()
            ))
        })?;
    Pathname::try_from(format!("{told}{name}").as_str())
        .map_err(|problem| thirdhost_client::Error::from(problem).into())
}

fn temporary_beside(file: &Path) -> Result<tempfile::NamedTempFile, Failure> {
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let failure = |source: io::Error| {
        let path = directory.to_owned();
        // Without the name of the temporary, which is none that the user knows.
        let source = io::Error::from(source.kind());
        Failure::File {
            what: WRITE_IN,
            path,
            source,
        }
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".thirdhost-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As for any new file: all that the umask leaves.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(directory).map_err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use thirdhost_client::Place;

    fn check(path: &str, expected: Option<&str>) {
        let found = own_name(&Pathname::try_from(path).unwrap()).ok();
        assert_eq!(found.as_deref(), expected.map(Path::new), "{path}");
    }

    #[test]
    fn a_fetched_file_stays_in_the_directory_it_is_fetched_to() {
        check("a/b", Some("b"));
        check("b", Some("b"));
        check("a/..", None);
        check("a/", None);
    }

    #[test]
    fn a_stored_file_keeps_its_name_in_a_directory() {
        let Ok(Place::Remote(to)) = Place::parse("ftp://h/d/") else {
            panic!("no place")
        };
        assert_eq!(stored_name(Path::new("/x/y"), &to).unwrap().as_str(), "d/y");
    }
}
