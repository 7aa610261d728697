//! What listings look like: LIST, NLST, MLSD and MLST. Spec Q-17 to Q-22; RFC 3659 section 7.

use std::time::{Duration, SystemTime};

use futures_util::future::{BoxFuture, FutureExt, ready};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use thirdhost_proto::server::{Permission, Permissions, VirtualPath};
use thirdhost_wire::{Fact, FactSet, Pathname};

use crate::store::{Entry, EntryKind, Listing, StoreError};

/// How the entries of a listing are written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ListingStyle {
    /// LIST: what `ls -l` prints.
    Long {
        /// The time of the listing.
        now: SystemTime,
    },
    /// NLST: the name alone.
    Names {
        /// The pathname of the directory as the user gave it, put before each name.
        given: Option<String>,
    },
    /// MLSD: facts for programs.
    Facts {
        /// Which ones.
        facts: FactSet,
        /// What the user may do, from which `perm` follows.
        permissions: Permissions,
        /// The directory that is listed.
        directory: VirtualPath,
    },
}

impl ListingStyle {
    /// The line for `entry`, without its end; `None` when the name holds a control character,
    /// so that no command could name it and it could forge lines.
    #[must_use]
    pub fn line(&self, entry: &Entry) -> Option<String> {
        if entry.name.chars().any(char::is_control) {
            return None;
        }
        Some(match self {
            Self::Long { now } => list_line(entry, *now),
            Self::Names { given: None } => entry.name.clone(),
            Self::Names { given: Some(given) } if given.ends_with('/') => {
                format!("{given}{}", entry.name)
            }
            Self::Names { given: Some(given) } => format!("{given}/{}", entry.name),
            Self::Facts {
                facts,
                permissions,
                directory,
            } => {
                let name = Pathname::try_from(entry.name.as_str()).ok()?;
                let path = directory.join(&name).ok()?;
                mlsx_line(entry, &path, *facts, permissions)
            }
        })
    }
}

/// The line of LIST and of STAT with a path, in the one form that every client parses (spec
/// Q-17), in UTC and without its end.
#[must_use]
pub fn list_line(entry: &Entry, now: SystemTime) -> String {
    let (owner, group) = entry.owner;
    format!(
        "{}{} {:>3} {:<8} {:<8} {:>8} {} {}",
        kind_letter(entry),
        mode_letters(entry.mode),
        entry.links,
        owner,
        group,
        entry.size,
        list_time(entry.modified, now),
        entry.name,
    )
}

/// The line of MLSD, and of MLST behind its leading space, without its end: facts, a space
/// and the name. The `perm` fact says what `permissions` make of the entry, which is at `path`
/// (spec Q-22).
#[must_use]
pub fn mlsx_line(
    entry: &Entry,
    path: &VirtualPath,
    facts: FactSet,
    permissions: &Permissions,
) -> String {
    let told = Fact::ALL.into_iter().filter(|fact| facts.contains(*fact));
    let mut line: String = told
        .filter_map(|fact| {
            Some(format!(
                "{}={};",
                fact.name(),
                value(fact, entry, path, permissions)?
            ))
        })
        .collect();
    line.push(' ');
    line.push_str(&entry.name);
    line
}

/// The time in RFC 3659's form, in whole seconds: what `modify` and MDTM tell. A time that no
/// calendar holds is told as the beginning of 1970.
#[must_use]
pub fn time_val(time: SystemTime) -> String {
    timestamp(time).strftime("%Y%m%d%H%M%S").to_string()
}

/// A listing of what is known already, for LIST of a single file.
#[derive(Clone, Debug)]
pub struct Entries(Vec<Entry>);

impl Entries {
    /// A listing of these entries.
    #[must_use]
    pub fn new(entries: Vec<Entry>) -> Self {
        Self(entries)
    }
}

impl Listing for Entries {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        ready(Ok(std::mem::take(&mut self.0))).boxed()
    }
}

fn kind_letter(entry: &Entry) -> char {
    match (entry.kind, entry.mode & FORMAT_BITS) {
        (EntryKind::Directory, _) => 'd',
        (EntryKind::Other, 0o010_000) => 'p',
        (EntryKind::Other, 0o020_000) => 'c',
        (EntryKind::Other, 0o060_000) => 'b',
        (EntryKind::Other, 0o140_000) => 's',
        (EntryKind::File | EntryKind::Other, _) => '-',
    }
}

fn mode_letters(mode: u32) -> String {
    let letters = "rwxrwxrwx".chars().zip((0..9).rev());
    letters
        .map(|(letter, bit)| if mode & (1 << bit) != 0 { letter } else { '-' })
        .collect()
}

fn list_time(modified: SystemTime, now: SystemTime) -> String {
    let recent = now.duration_since(modified).is_ok_and(|age| age <= RECENT);
    timestamp(modified)
        .strftime(if recent { "%b %d %H:%M" } else { "%b %d  %Y" })
        .to_string()
}

fn timestamp(time: SystemTime) -> jiff::Zoned {
    Timestamp::try_from(time)
        .unwrap_or_default()
        .to_zoned(TimeZone::UTC)
}

/// `None` where the entry has no such fact.
fn value(
    fact: Fact,
    entry: &Entry,
    path: &VirtualPath,
    permissions: &Permissions,
) -> Option<String> {
    match fact {
        Fact::Type => Some(kind_fact(entry.kind).to_owned()),
        Fact::Size => (entry.kind == EntryKind::File).then(|| entry.size.to_string()),
        Fact::Modify => Some(time_val(entry.modified)),
        Fact::Perm => Some(perm_fact(entry.kind, path, permissions)),
        Fact::Unique => Some(format!("{:x}U{:x}", entry.unique.0, entry.unique.1)),
        Fact::UnixMode => Some(format!("{:04o}", entry.mode & MODE_BITS)),
        Fact::Partial => entry.partial.map(|octets| octets.to_string()),
        _ => None,
    }
}

fn kind_fact(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "file",
        EntryKind::Directory => "dir",
        EntryKind::Other => "OS.unix=other",
    }
}

/// RFC 3659 section 7.5.5, from what the user may do and not from the mode bits.
fn perm_fact(kind: EntryKind, path: &VirtualPath, permissions: &Permissions) -> String {
    use Permission::{Append, Delete, Mkdir, Read, Rename, Write};
    let may = |permission| permissions.allow(permission, path);
    let root = *path == VirtualPath::root();
    let letters: &[(char, bool)] = match kind {
        EntryKind::File => &[
            ('a', may(Append)),
            ('d', may(Delete)),
            ('f', may(Rename)),
            ('r', may(Read)),
            ('w', may(Write)),
        ],
        EntryKind::Directory => &[
            ('c', may(Write) || may(Append)),
            ('d', may(Delete) && !root),
            ('e', permissions.may_enter(path)),
            ('f', may(Rename) && !root),
            ('l', may(Read)),
            ('m', may(Mkdir)),
            ('p', may(Delete)),
        ],
        EntryKind::Other => &[('d', may(Delete)), ('f', may(Rename))],
    };
    letters
        .iter()
        .filter(|(_, may)| *may)
        .map(|(letter, _)| letter)
        .collect()
}

/// Half a year: beyond, a listing shows the year instead of the time of day (spec Q-17).
const RECENT: Duration = Duration::from_secs(180 * 24 * 60 * 60);

const MODE_BITS: u32 = 0o7777;
const FORMAT_BITS: u32 = 0o170_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, kind: EntryKind, mode: u32) -> Entry {
        Entry {
            name: name.to_owned(),
            kind,
            size: if kind == EntryKind::File { 1234 } else { 0 },
            modified: at(1_704_207_840), // 2024-01-02 15:04:00
            unique: (0x801, 0xbeef),
            mode,
            links: 1,
            owner: (1000, 100),
            partial: None,
        }
    }

    fn path(path: &str) -> VirtualPath {
        VirtualPath::root()
            .join(&Pathname::try_from(path).unwrap())
            .unwrap()
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn check_list(entry: &Entry, days_later: i64, expected: &str) {
        let now = 1_704_207_840 + days_later * 86_400;
        assert_eq!(list_line(entry, at(now.try_into().unwrap())), expected);
    }

    #[test]
    fn long_lines_have_the_form_that_every_client_parses() {
        let file = entry("a name", EntryKind::File, 0o100_644);
        let line = "-rw-r--r--   1 1000     100          1234 Jan 02 15:04 a name";
        check_list(&file, 0, line);
        check_list(&file, 180, line);
        let old = "-rw-r--r--   1 1000     100          1234 Jan 02  2024 a name";
        check_list(&file, 181, old);
        check_list(&file, -1, old);
        let directory = entry("d", EntryKind::Directory, 0o040_755);
        check_list(
            &directory,
            0,
            "drwxr-xr-x   1 1000     100             0 Jan 02 15:04 d",
        );
        let pipe = entry("p", EntryKind::Other, 0o010_600);
        check_list(
            &pipe,
            0,
            "prw-------   1 1000     100             0 Jan 02 15:04 p",
        );
    }

    #[test]
    fn facts_are_those_that_were_asked_for() {
        let file = entry("a name", EntryKind::File, 0o100_644);
        let all = FactSet::default();
        assert_eq!(
            mlsx_line(&file, &path("/a name"), all, &Permissions::all()),
            "type=file;size=1234;modify=20240102150400;perm=adfrw;unique=801Ubeef;UNIX.mode=0644; \
             a name"
        );
        let few = [Fact::Type, Fact::Size, Fact::Modify].into_iter().collect();
        let directory = entry("d", EntryKind::Directory, 0o040_755);
        assert_eq!(
            mlsx_line(&directory, &path("/d"), few, &Permissions::all()),
            "type=dir;modify=20240102150400; d"
        );
        let partial = Entry {
            partial: Some(77),
            ..file
        };
        assert!(
            mlsx_line(&partial, &path("/a name"), all, &Permissions::all())
                .ends_with(";X.partial=77; a name")
        );
        assert!(
            !mlsx_line(&partial, &path("/a name"), few, &Permissions::all()).contains("partial")
        );
    }

    #[test]
    fn perm_follows_from_what_the_user_may_do() {
        let check = |at, kind, permissions: &Permissions, expected| {
            assert_eq!(perm_fact(kind, &path(at), permissions), expected, "{at}");
        };
        check("/f", EntryKind::File, &Permissions::read_only(), "r");
        check("/d", EntryKind::Directory, &Permissions::read_only(), "el");
        check("/d", EntryKind::Directory, &Permissions::all(), "cdeflmp");
        check("/", EntryKind::Directory, &Permissions::all(), "celmp");
        check("/o", EntryKind::Other, &Permissions::all(), "df");
        let append: Permissions = [Permission::Append].into_iter().collect();
        check("/f", EntryKind::File, &append, "a");
        check("/d", EntryKind::Directory, &Permissions::default(), "");
    }

    #[test]
    fn perm_follows_from_where_the_entry_is() {
        let drop_box = [Permission::Write].into_iter().collect();
        let permissions = Permissions::all().beneath(path("/d/in"), drop_box);
        let facts: FactSet = [Fact::Perm].into_iter().collect();
        let check = |directory, name, kind, expected: &str| {
            let style = ListingStyle::Facts {
                facts,
                permissions: permissions.clone(),
                directory: path(directory),
            };
            let line = style.line(&entry(name, kind, 0o777)).unwrap();
            assert_eq!(line, format!("perm={expected}; {name}"), "{directory}");
        };
        check("/d", "f", EntryKind::File, "adfrw");
        check("/d", "in", EntryKind::Directory, "ce");
        check("/d", "inn", EntryKind::Directory, "cdeflmp");
        check("/", "d", EntryKind::Directory, "cdelmp");
        check("/d/in", "f", EntryKind::File, "w");
    }

    #[test]
    fn names_are_such_that_the_user_can_give_them_back() {
        let check = |given: Option<&str>, expected: &str| {
            let style = ListingStyle::Names {
                given: given.map(str::to_owned),
            };
            let line = style.line(&entry("a b", EntryKind::File, 0o644));
            assert_eq!(line.as_deref(), Some(expected), "{given:?}");
        };
        check(None, "a b");
        check(Some("d"), "d/a b");
        check(Some("/d/"), "/d/a b");
        check(Some("/"), "/a b");
    }

    #[test]
    fn a_name_that_would_forge_a_line_is_left_out() {
        for name in ["a\r\nb", "a\n", "\u{1b}[2J", "\0"] {
            let style = ListingStyle::Names { given: None };
            assert_eq!(
                style.line(&entry(name, EntryKind::File, 0o644)),
                None,
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_time_that_no_calendar_holds_is_told_as_the_epoch() {
        let far = SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_secs(1 << 50))
            .unwrap();
        let file = Entry {
            modified: far,
            ..entry("f", EntryKind::File, 0o644)
        };
        assert!(list_line(&file, at(0)).contains("Jan 01  1970"));
        assert_eq!(time_val(far), "19700101000000");
    }
}
