//! All files and directories below a root: by MLSD, by LIST where it is the usual form, or here.

use std::collections::VecDeque;
use std::path::Path;

use thirdhost_wire::{FileKind, TimeVal};

use super::{Filter, Location, names};
use crate::pipeline::Lister;
use crate::{ControlConn, Error, Listing};

/// A file or directory below a root.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Entry {
    /// Below the root, parts joined by `/`; empty for the root itself.
    pub(super) path: String,
    pub(super) kind: Kind,
    pub(super) size: Option<u64>,
    pub(super) modified: Option<TimeVal>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    File,
    Directory,
    /// A link, a device: nothing that is copied.
    Other,
    /// What an interrupted copy left.
    Partial,
}

/// What lies below a root, parents before children, and what could not be listed.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) entries: Vec<Entry>,
    /// Path and reason.
    pub(super) problems: Vec<(String, String)>,
    /// Octets of all paths.
    path_bytes: usize,
}

impl Walked {
    fn problem(&mut self, path: &str, reason: impl Into<String>) {
        self.path_bytes += path.len();
        self.problems.push((path.to_owned(), reason.into()));
    }

    /// Adds what came of listing one directory; returns the directories to enter.
    fn take(
        &mut self,
        directory: &str,
        listing: Result<Listing, Error>,
        filter: &Filter,
    ) -> Result<Vec<String>, Error> {
        match listing {
            Ok(listing) => {
                let (found, unreadable) = entries(listing);
                if unreadable > 0 {
                    let reason = format!("{unreadable} lines of its listing cannot be used");
                    self.problem(directory, reason);
                }
                Ok(self.add(directory, found, filter))
            }
            Err(error @ Error::Refused { .. }) if !directory.is_empty() => {
                self.problem(directory, error.to_string());
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    /// Adds what one directory holds; returns the directories to enter.
    fn add(&mut self, directory: &str, found: Vec<Entry>, filter: &Filter) -> Vec<String> {
        let mut below = Vec::new();
        for mut entry in found {
            if self.is_full() {
                self.problem(directory, too_much());
                break;
            }
            let path = join(directory, &entry.path);
            if entry.kind == Kind::File && names::is_partial(&entry.path) {
                entry.kind = Kind::Partial;
            }
            if let Some(reason) = names::refused(&entry.path) {
                let name = entry.path.escape_debug().to_string();
                self.problem(
                    &join(directory, &name),
                    format!("the name is not used: {reason}"),
                );
                continue;
            }
            match entry.kind {
                Kind::Directory if filter.enters(&path) => {
                    if filter.descends() {
                        below.push(path.clone());
                    }
                }
                Kind::Directory => continue,
                Kind::File | Kind::Other | Kind::Partial => {}
            }
            self.path_bytes += path.len();
            self.entries.push(Entry { path, ..entry });
        }
        below
    }

    fn check_bounds(&self, directory: &str) -> Result<(), (String, String)> {
        let depth = directory.matches('/').count();
        match self.is_full() || depth > DEPTH_MAX {
            true => Err((directory.to_owned(), too_much())),
            false => Ok(()),
        }
    }

    fn is_full(&self) -> bool {
        self.entries.len() + self.problems.len() > ENTRIES_MAX || self.path_bytes > PATH_BYTES_MAX
    }
}

/// Walks a directory of a server.
///
/// A directory that cannot be listed is a problem of its own and does not end the walk.
pub(super) async fn remote(
    conn: &mut ControlConn,
    root: &Location,
    filter: &Filter,
) -> Result<Walked, Error> {
    if let Some(walked) = ahead(conn, root, filter).await? {
        return Ok(walked);
    }
    let mut walked = Walked::default();
    let mut left = vec![String::new()];
    while let Some(directory) = left.pop() {
        if let Err(problem) = walked.check_bounds(&directory) {
            walked.problems.push(problem);
            break;
        }
        let Location::Remote(path) = root.below(&directory)? else {
            break;
        };
        let listing = conn.list(path.as_ref()).await;
        left.extend(walked.take(&directory, listing, filter)?);
    }
    Ok(walked)
}

/// The same, level by level and many directories at once; none where the server cannot.
async fn ahead(
    conn: &mut ControlConn,
    root: &Location,
    filter: &Filter,
) -> Result<Option<Walked>, Error> {
    let path_of = |directory: &str| match root.below(directory)? {
        Location::Remote(path) => Ok(path),
        Location::Local(_) => Ok::<_, Error>(None),
    };
    let Some(mut lister) = Lister::open(conn, path_of("")?.as_ref()).await? else {
        return Ok(None);
    };
    let mut walked = Walked::default();
    let mut asked = VecDeque::from([String::new()]);
    let mut left = VecDeque::new();
    while let Some(directory) = asked.pop_front() {
        let Ok(listing) = lister.next().await else {
            lister.give_up().await?;
            return Ok(None);
        };
        match walked.take(&directory, listing, filter) {
            Ok(below) => left.extend(below),
            Err(error) => {
                lister.close().await?;
                return Err(error);
            }
        }
        while lister.has_room()
            && let Some(directory) = left.pop_front()
        {
            if let Err(problem) = walked.check_bounds(&directory) {
                walked.problems.push(problem);
                left.clear();
                break;
            }
            lister.ask(path_of(&directory)?.as_ref())?;
            asked.push_back(directory);
        }
    }
    lister.close().await?;
    Ok(Some(walked))
}

/// Walks a directory of this host. Links to directories are not entered.
pub(super) fn local(root: &Path, filter: &Filter) -> std::io::Result<Walked> {
    let mut walked = Walked::default();
    let mut left = vec![(String::new(), root.to_owned())];
    while let Some((directory, path)) = left.pop() {
        let listing = match std::fs::read_dir(&path) {
            Ok(listing) => listing,
            Err(error) if directory.is_empty() => return Err(error),
            Err(error) => {
                walked.problem(&directory, error.to_string());
                continue;
            }
        };
        let mut found = Vec::new();
        for entry in listing {
            match entry.and_then(|entry| here(&entry)) {
                Ok(entry) => found.push(entry),
                Err(error) => walked.problem(&directory, error.to_string()),
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        for below in walked.add(&directory, found, filter) {
            let name = below.rsplit('/').next().unwrap_or(&below);
            left.push((below.clone(), path.join(name)));
        }
    }
    Ok(walked)
}

/// What a listing holds, and how many lines are of no use.
pub(super) fn entries(listing: Listing) -> (Vec<Entry>, usize) {
    match listing {
        Listing::Facts {
            entries,
            unreadable,
        } => {
            let read = |line: thirdhost_wire::FactsLine| Entry {
                kind: kind_of(line.facts.kind()),
                size: line.facts.size(),
                modified: line.facts.modified(),
                path: line.name.as_str().to_owned(),
            };
            (entries.into_iter().map(read).collect(), unreadable)
        }
        Listing::Raw(lines) => {
            let lines: Vec<&String> = lines.iter().filter(|l| !l.starts_with("total ")).collect();
            let found: Vec<Entry> = lines.iter().filter_map(|line| long_line(line)).collect();
            let unreadable = lines.len() - found.len();
            let itself = |entry: &Entry| matches!(entry.path.as_str(), "." | "..");
            let found = found.into_iter().filter(|entry| !itself(entry)).collect();
            (found, unreadable)
        }
    }
}

pub(super) fn kind_of(kind: Option<FileKind>) -> Kind {
    match kind {
        Some(FileKind::File) | None => Kind::File,
        Some(FileKind::Directory | FileKind::ListedDirectory | FileKind::ParentDirectory) => {
            Kind::Directory
        }
        Some(FileKind::Other(_)) => Kind::Other,
    }
}

/// `-rw-r--r--   1 owner    group        1234 Jan 02 15:04 name` (spec Q-17). Its time has no
/// year or no zone and is not used. A `?` stands for a control character, which no name may have.
fn long_line(line: &str) -> Option<Entry> {
    let mut rest = line;
    let mut fields = Vec::new();
    for _ in 0..8 {
        let (field, behind) = rest.trim_start_matches(' ').split_once(' ')?;
        fields.push(field);
        rest = behind;
    }
    let [mode, _, _, _, size, ..] = fields.as_slice() else {
        return None;
    };
    let kind = match mode.chars().next()? {
        '-' => Kind::File,
        'd' => Kind::Directory,
        _ => Kind::Other,
    };
    let size: u64 = size.parse().ok()?;
    Some(Entry {
        path: rest.to_owned(),
        kind,
        size: (kind == Kind::File).then_some(size),
        modified: None,
    })
}

fn here(entry: &std::fs::DirEntry) -> std::io::Result<Entry> {
    let name = entry.file_name();
    let Some(name) = name.to_str() else {
        let name = name.to_string_lossy().into_owned();
        return Err(std::io::Error::other(format!(
            "{name}: the name is not UTF-8"
        )));
    };
    let is_link = entry.file_type()?.is_symlink();
    let metadata = std::fs::metadata(entry.path()).or_else(|_| entry.metadata())?;
    let kind = if metadata.is_file() {
        Kind::File
    } else if metadata.is_dir() && !is_link {
        Kind::Directory
    } else {
        Kind::Other
    };
    Ok(Entry {
        path: name.to_owned(),
        kind,
        size: metadata.is_file().then_some(metadata.len()),
        modified: metadata.modified().ok().and_then(time_val),
    })
}

pub(super) fn time_val(time: std::time::SystemTime) -> Option<TimeVal> {
    let since = time
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .ok()?;
    let seconds = i64::try_from(since.as_secs()).ok()?;
    TimeVal::from_unix(seconds, since.subsec_nanos()).ok()
}

pub(super) fn too_much() -> String {
    format!(
        "more than {ENTRIES_MAX} names, {DEPTH_MAX} levels, or {} MiB of paths",
        PATH_BYTES_MAX >> 20
    )
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        name.to_owned()
    } else {
        format!("{directory}/{name}")
    }
}

/// A million names are some hundred MB; a server that lists more would use up our memory.
pub(super) const ENTRIES_MAX: usize = 1_000_000;

/// Below a directory with a long name every path is long: a few MB of listing would become many GB.
pub(super) const PATH_BYTES_MAX: usize = 256 << 20;

/// A server may list a directory in itself without end.
const DEPTH_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<(&str, Kind, Option<u64>)>) {
        let found = long_line(line);
        let found = found.as_ref().map(|e| (e.path.as_str(), e.kind, e.size));
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn what_is_too_much_to_remember_is_told_so_that_nothing_passes_for_missing() {
        let file = |name: &str| Entry {
            path: name.to_owned(),
            kind: Kind::File,
            size: None,
            modified: None,
        };
        let filter = Filter::default();
        let mut walked = Walked::default();
        walked.add("d", vec![file("a")], &filter);
        assert_eq!((walked.entries.len(), walked.path_bytes), (1, 3));
        assert!(walked.problems.is_empty() && walked.check_bounds("d").is_ok());
        walked.path_bytes = PATH_BYTES_MAX - 2;
        walked.add("d", vec![file("b"), file("c"), file("d")], &filter);
        assert_eq!(walked.entries.len(), 2, "the one that fills it is the last");
        assert_eq!(walked.problems, [("d".to_owned(), too_much())]);
        assert!(walked.check_bounds("d").is_err());
    }

    #[test]
    fn the_usual_form_of_list_is_read() {
        check(
            "-rw-r--r--   1 owner    group        1234 Jan 02 15:04 a  b",
            Some(("a  b", Kind::File, Some(1234))),
        );
        check(
            "drwxr-xr-x   2 0        0            4096 Nov 23  2025 d",
            Some(("d", Kind::Directory, None)),
        );
        check(
            "lrwxrwxrwx   1 0        0               1 Nov 23  2025 l -> d",
            Some(("l -> d", Kind::Other, None)),
        );
        check("11-23-26  03:25AM       <DIR>          d", None);
        check("nonsense", None);
    }
}
