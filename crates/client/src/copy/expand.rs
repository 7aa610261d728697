//! Wildcards: which names at the source a pattern means.

use super::walk::{self, Kind};
use super::{Copy, Filter, Location, Site, filter, look, names};
use crate::{ControlConn, Error};

impl Copy {
    /// What a location with wildcards in its last parts means, in order of name.
    ///
    /// A name that is there is taken as it is, whatever characters it holds. Names from the
    /// server that cannot be used are left out.
    ///
    /// # Errors
    /// [`Error::Local`] if nothing matches, and what can go wrong with the source.
    pub async fn expand(&self, location: &Location) -> Result<Vec<Location>, Error> {
        let text = match location {
            Location::Remote(path) => path.as_ref().map_or("", |path| path.as_str()).to_owned(),
            Location::Local(path) => path.to_string_lossy().into_owned(),
        };
        if !is_pattern(&text) {
            return Ok(vec![location.clone()]);
        }
        let mut conn = match &self.from {
            Some(site) => Some(site.open().await?),
            None => None,
        };
        let found = matching(conn.as_mut(), location, &text).await;
        if let (Some(conn), Some(site)) = (conn, &self.from) {
            site.leave(conn).await;
        }
        found
    }

    /// Whether a directory is there; a look at the source. Its connection serves the copy too.
    ///
    /// # Errors
    /// What can go wrong with the source.
    pub async fn is_directory_at_source(&self, at: &Location) -> Result<bool, Error> {
        is_directory(self.from.as_ref(), at, self.options.recursive).await
    }

    /// Whether a directory is there; a look at the destination. Its connection serves the copy
    /// too.
    ///
    /// # Errors
    /// What can go wrong with the destination.
    pub async fn is_directory_at_destination(&self, at: &Location) -> Result<bool, Error> {
        is_directory(self.to.as_ref(), at, false).await
    }
}

/// `lists` if a directory will be listed then.
async fn is_directory(site: Option<&Site>, at: &Location, lists: bool) -> Result<bool, Error> {
    let Some(site) = site else {
        let found = look::at(None, at).await?;
        return Ok(found.is_some_and(|entry| entry.kind == Kind::Directory));
    };
    let mut conn = site.begin().await?;
    let found = look::before_listing(&mut conn, at, lists).await;
    site.leave(conn).await;
    let found = found?;
    let is_directory = found
        .as_ref()
        .is_some_and(|entry| entry.kind == Kind::Directory);
    site.note(at, found);
    Ok(is_directory)
}

async fn matching(
    mut conn: Option<&mut ControlConn>,
    location: &Location,
    text: &str,
) -> Result<Vec<Location>, Error> {
    if look::at(conn.as_deref_mut(), location).await?.is_some() {
        return Ok(vec![location.clone()]);
    }
    let parts: Vec<&str> = text.split('/').collect();
    let first = parts.iter().position(|part| is_pattern(part)).unwrap_or(0);
    let (fixed, patterns) = parts.split_at_checked(first).unwrap_or_default();
    let directory = match (fixed, location) {
        ([], Location::Remote(_)) => Location::Remote(None),
        ([], Location::Local(_)) => Location::Local(".".into()),
        ([""], Location::Remote(_)) => Location::Remote(Some("/".try_into()?)),
        (fixed, Location::Remote(_)) => {
            Location::Remote(Some(fixed.join("/").as_str().try_into()?))
        }
        (fixed, Location::Local(_)) => Location::Local(format!("{}/", fixed.join("/")).into()),
    };
    let mut found = vec![directory];
    for (number, pattern) in patterns.iter().enumerate() {
        let is_last = number + 1 == patterns.len();
        let (mut next, mut taken) = (Vec::new(), Taken::default());
        for directory in found {
            let matching = in_one(conn.as_deref_mut(), &directory, pattern, is_last).await?;
            taken.add(&matching);
            next.extend(matching);
            if taken.is_too_much() {
                return Err(Error::Local {
                    what: "use all that matches",
                    path: text.into(),
                    source: std::io::Error::other(walk::too_much()),
                });
            }
        }
        found = next;
    }
    if found.is_empty() {
        return Err(Error::Local {
            what: "find anything that matches",
            path: text.into(),
            source: std::io::ErrorKind::NotFound.into(),
        });
    }
    Ok(found)
}

async fn in_one(
    conn: Option<&mut ControlConn>,
    directory: &Location,
    pattern: &str,
    is_last: bool,
) -> Result<Vec<Location>, Error> {
    let matcher = filter::glob(pattern)
        .map_err(|problem| Error::Local {
            what: "use",
            path: pattern.into(),
            source: std::io::Error::new(std::io::ErrorKind::InvalidInput, problem),
        })?
        .compile_matcher();
    let entries = match (directory, conn) {
        (Location::Remote(path), Some(conn)) => walk::entries(conn.list(path.as_ref()).await?).0,
        (Location::Local(path), _) => {
            // One level: no directory below is entered.
            let none = Filter::default();
            let walked = walk::local(path, &none.shallow()).map_err(|source| Error::Local {
                what: "list",
                path: path.clone(),
                source,
            })?;
            walked.entries
        }
        (Location::Remote(_), None) => Vec::new(),
    };
    let mut found: Vec<String> = entries
        .into_iter()
        .filter(|entry| is_last || entry.kind == Kind::Directory)
        .map(|entry| entry.path)
        .filter(|name| names::refused(name).is_none() && matcher.is_match(name))
        // As shells have it: a leading dot is matched by a dot alone.
        .filter(|name| !name.starts_with('.') || pattern.starts_with('.'))
        .collect();
    found.sort();
    found
        .iter()
        .map(|name| directory.below(name).map_err(Error::from))
        .collect()
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// What is found so far. Every directory may hold as much as a listing may say, and with each part
/// of a pattern there may be as many more.
#[derive(Debug, Default)]
struct Taken {
    names: usize,
    octets: usize,
}

impl Taken {
    fn add(&mut self, found: &[Location]) {
        let octets = found.iter().map(|location| match location {
            Location::Remote(path) => path.as_ref().map_or(0, |path| path.as_str().len()),
            Location::Local(path) => path.as_os_str().len(),
        });
        self.names += found.len();
        self.octets += octets.sum::<usize>();
    }

    fn is_too_much(&self) -> bool {
        self.names > walk::ENTRIES_MAX || self.octets > walk::PATH_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matches_is_bounded() {
        let name = |octets: usize| Location::Local("x".repeat(octets).into());
        let half = walk::PATH_BYTES_MAX / 2;
        for (found, more, is_too_much) in [
            (
                vec![Location::Remote(None); walk::ENTRIES_MAX - 1],
                name(0),
                false,
            ),
            (
                vec![Location::Remote(None); walk::ENTRIES_MAX],
                name(0),
                true,
            ),
            (vec![name(half)], name(half), false),
            (vec![name(half)], name(half + 1), true),
        ] {
            let mut taken = Taken::default();
            taken.add(&found);
            assert!(!taken.is_too_much());
            taken.add(&[more]);
            assert_eq!(taken.is_too_much(), is_too_much, "{taken:?}");
        }
    }
}
