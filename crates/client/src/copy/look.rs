//! What is at one end: a look at one name, and whole trees.

use thirdhost_wire::Pathname;

use super::walk::{self, Entry, Kind, Walked};
use super::{Filter, Location};
use crate::{ControlConn, Error, Listing, pipeline};

/// Looks at one name. `None` if nothing is there.
pub(super) async fn at(
    conn: Option<&mut ControlConn>,
    location: &Location,
) -> Result<Option<Entry>, Error> {
    match (location, conn) {
        (Location::Local(path), _) => Ok(std::fs::metadata(path).ok().map(|metadata| Entry {
            path: String::new(),
            kind: if metadata.is_dir() {
                Kind::Directory
            } else {
                Kind::File
            },
            size: metadata.is_file().then_some(metadata.len()),
            modified: metadata.modified().ok().and_then(walk::time_val),
        })),
        (Location::Remote(Some(path)), Some(conn)) => remote(conn, path).await,
        (Location::Remote(_), _) => Ok(Some(Entry {
            path: String::new(),
            kind: Kind::Directory,
            size: None,
            modified: None,
        })),
    }
}

/// The same at a server; `lists` if it will be listed then, should it be a directory.
pub(super) async fn before_listing(
    conn: &mut ControlConn,
    location: &Location,
    lists: bool,
) -> Result<Option<Entry>, Error> {
    // The login directory is not asked about, so nothing would come with the answer.
    if lists && *location != Location::Remote(None) {
        pipeline::announce_listing(conn).await?;
    }
    let found = at(Some(&mut *conn), location).await;
    let is_directory = matches!(&found, Ok(Some(entry)) if entry.kind == Kind::Directory);
    if !is_directory {
        pipeline::withdraw_listing(conn).await?;
    }
    found
}

/// All below a directory.
pub(super) async fn below(
    conn: Option<&mut ControlConn>,
    location: &Location,
    filter: &Filter,
) -> Result<Walked, Error> {
    match (location, conn) {
        (Location::Local(path), _) => walk::local(path, filter).map_err(|source| Error::Local {
            what: "list",
            path: path.clone(),
            source,
        }),
        (Location::Remote(_), Some(conn)) => walk::remote(conn, location, filter).await,
        (Location::Remote(_), None) => Ok(Walked::default()),
    }
}

async fn remote(conn: &mut ControlConn, path: &Pathname) -> Result<Option<Entry>, Error> {
    if conn.features().has("MLST") {
        return match conn.stat(path).await {
            // Only an interrupted upload is there: no file of that name yet.
            Ok(stat) if stat.partial.is_some() && stat.size.is_none() => Ok(None),
            Ok(stat) => Ok(Some(Entry {
                path: String::new(),
                kind: walk::kind_of(Some(stat.kind)),
                size: stat.size,
                modified: stat.modified,
            })),
            Err(Error::Refused { reply, .. }) if reply.code().number() == NOT_THERE => Ok(None),
            Err(error) => Err(error),
        };
    }
    let file = |size| Entry {
        path: String::new(),
        kind: Kind::File,
        size,
        modified: None,
    };
    if let Some(size) = conn.size(path).await? {
        return Ok(Some(file(Some(size))));
    }
    // No SIZE: a directory lets itself be listed, and LIST of a file names that file alone.
    match conn.list(Some(path)).await {
        Ok(Listing::Raw(lines)) if lines.is_empty() => Ok(None),
        Ok(listing) => {
            let (entries, _) = walk::entries(listing);
            Ok(Some(match entries.as_slice() {
                [only] if only.kind == Kind::File && is_itself(path, &only.path) => file(only.size),
                _ => Entry {
                    kind: Kind::Directory,
                    ..file(None)
                },
            }))
        }
        Err(Error::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Servers list a file under the name they were given, or under the last part of it.
fn is_itself(path: &Pathname, listed: &str) -> bool {
    let path = path.as_str();
    path == listed || path.rsplit('/').next() == Some(listed)
}

/// RFC 3659: MLST of what is not there.
const NOT_THERE: u16 = 550;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_one_file_is_not_taken_for_that_file() {
        for (path, listed, expected) in [
            ("x/a", "a", true),
            ("x/a", "x/a", true),
            ("a", "a", true),
            ("x/html", "l", false),
            ("x/a", "b", false),
        ] {
            let path = Pathname::try_from(path).unwrap();
            assert_eq!(is_itself(&path, listed), expected, "{path} {listed}");
        }
    }
}
