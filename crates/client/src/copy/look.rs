//! What is at one end: a look at one name, and whole trees.

use thirdhost_wire::{Command, Pathname, file_size};

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
            let itself = match entries.as_slice() {
                [only] if only.kind == Kind::File && is_itself(path, &only.path) => Some(only),
                _ => None,
            };
            Ok(Some(match itself {
                Some(only) if !is_directory(conn, path).await? => file(only.size),
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

/// How long a file is, as far as its server tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Length {
    Octets(u64),
    /// It is not there, as a server says that knows SIZE.
    Nothing,
    /// The server does not say it, or not now.
    Unknown,
}

/// Asks with SIZE.
pub(super) async fn length(conn: &mut ControlConn, path: &Pathname) -> Result<Length, Error> {
    conn.ensure_image().await?;
    let reply = conn.command(Command::Size(path.clone())).await?;
    let is_missing = reply.code().number() == NOT_THERE && conn.features().has("SIZE");
    Ok(match file_size(&reply) {
        Ok(octets) => Length::Octets(octets),
        Err(_) if is_missing => Length::Nothing,
        Err(_) => Length::Unknown,
    })
}

/// Servers list a file under the name they were given, or under the last part of it.
fn is_itself(path: &Pathname, listed: &str) -> bool {
    let path = path.as_str();
    path == listed || path.rsplit('/').next() == Some(listed)
}

/// Whether it can be entered: a directory may hold one file, of its own name. Where a server does
/// not say where it is, nothing is entered.
pub(super) async fn is_directory(conn: &mut ControlConn, path: &Pathname) -> Result<bool, Error> {
    let before = match conn.working_directory().await {
        Ok(before) => before,
        Err(Error::Refused { .. } | Error::Unusable { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    match conn.change_directory(path).await {
        Ok(()) => {}
        Err(Error::Refused { .. }) => return Ok(false),
        Err(error) => return Err(error),
    }
    let back = conn.change_directory(&before).await;
    if back.is_err() {
        // Every path would mean another place.
        conn.abandon();
    }
    back.map(|()| true)
}

/// RFC 3659: MLST and SIZE of what is not there; RFC 959: RNFR of it.
pub(super) const NOT_THERE: u16 = 550;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{Answer, Data, FakeNet, say};

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

    /// As at a server without MLST, where LIST of either tells the same line.
    #[tokio::test(start_paused = true)]
    async fn a_directory_with_one_file_of_its_own_name_is_told_from_that_by_cwd() {
        for (answer, kind, is_back) in [
            ("250 there", Kind::Directory, true),
            ("550 no directory", Kind::File, false),
        ] {
            let net = FakeNet::default();
            net.control("9.9.9.1:21", move |line| match line {
                "SIZE foo" => say("550 not a plain file"),
                "EPSV" => say("229 Entering (|||40000|)"),
                "LIST foo" => Answer::Say("150 here\r\n226 done\r\n".to_owned()),
                "PWD" => say("257 \"/home\" is where you are"),
                "CWD foo" => say(answer),
                _ => crate::tests::polite(line, "SIZE"),
            });
            let listed = "-rw-r--r-- 1 u g 3 Nov 23 10:00 foo\r\n";
            net.data("9.9.9.1:40000", Data::Send(listed.into()));
            let mut conn = net.login("9.9.9.1:21").await.unwrap();
            let place = Location::Remote(Some(Pathname::try_from("foo").unwrap()));
            let found = at(Some(&mut conn), &place).await.unwrap().unwrap();
            assert_eq!(found.kind, kind);
            let sent = net.sent_to("9.9.9.1:21");
            assert_eq!(sent.contains(&"CWD /home".to_owned()), is_back, "{sent:?}");
        }
    }
}
