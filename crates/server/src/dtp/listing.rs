//! What listings look like: LIST, NLST, MLSD and MLST. Spec Q-17 to Q-22; RFC 3659 section 7.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::{BoxFuture, FutureExt, ready};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use thirdhost_proto::server::{Permission, Permissions, VirtualPath};
use thirdhost_wire::{Fact, FactSet, Pathname};

use super::digits::{push, push_left};
use crate::store::{Entry, EntryKind, Listing, Pen, StoreError};

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
    /// Writes lines in this style, one after the other.
    #[must_use]
    pub fn lines(self) -> Lines {
        let perms = match &self {
            Self::Facts {
                permissions,
                directory,
                ..
            } if permissions.is_uniform_in(directory) => anything_in(directory).map(|path| {
                [EntryKind::File, EntryKind::Directory, EntryKind::Other]
                    .map(|kind| perm_fact(kind, &path, permissions))
            }),
            _ => None,
        };
        Lines {
            style: Arc::new(Style { how: self, perms }),
            time: None,
        }
    }
}

/// Writes the lines of one listing. What does not change from entry to entry is worked out once.
#[derive(Debug)]
pub struct Lines {
    style: Arc<Style>,
    /// The time of the entry before, in seconds and as it was written: files that came together
    /// often have the same.
    time: Option<(Duration, String)>,
}

#[derive(Debug)]
struct Style {
    how: ListingStyle,
    /// The `perm` facts of files, directories and others, where they are the same for all.
    perms: Option<[String; 3]>,
}

impl Lines {
    /// Appends the line for `entry` to `text`, without its end. False, and nothing appended, when
    /// the name holds a control character, so that no command could name it and it could forge
    /// lines.
    pub fn append(&mut self, entry: &Entry, text: &mut String) -> bool {
        if holds_control(&entry.name) {
            return false;
        }
        match &self.style.how {
            ListingStyle::Long { now } => append_long(entry, *now, text),
            ListingStyle::Names { given } => {
                if let Some(given) = given {
                    text.push_str(given);
                    text.push_str(if given.ends_with('/') { "" } else { "/" });
                }
                text.push_str(&entry.name);
            }
            ListingStyle::Facts {
                facts,
                permissions,
                directory,
            } => {
                let time = &mut self.time;
                if let Some([file, directory, other]) = &self.style.perms {
                    let perm = match entry.kind {
                        EntryKind::File => file,
                        EntryKind::Directory => directory,
                        EntryKind::Other => other,
                    };
                    append_facts(entry, *facts, perm, time, text);
                } else {
                    let Some(path) = path_in(directory, &entry.name) else {
                        return false;
                    };
                    let perm = perm_fact(entry.kind, &path, permissions);
                    append_facts(entry, *facts, &perm, time, text);
                }
            }
        }
        true
    }
}

impl Pen for Lines {
    fn write(&mut self, entry: &Entry, text: &mut String) -> bool {
        let told = self.append(entry, text);
        if told {
            text.push_str("\r\n");
        }
        told
    }

    fn bytes_in_front(&self) -> usize {
        match &self.style.how {
            ListingStyle::Names { given } => given.as_ref().map_or(0, String::len),
            ListingStyle::Long { .. } | ListingStyle::Facts { .. } => 0,
        }
    }

    fn another(&self) -> Box<dyn Pen> {
        Box::new(Self {
            style: Arc::clone(&self.style),
            time: None,
        })
    }
}

/// The line of LIST and of STAT with a path, in the one form that every client parses (spec
/// Q-17), in UTC and without its end.
#[must_use]
pub fn list_line(entry: &Entry, now: SystemTime) -> String {
    let mut line = String::new();
    append_long(entry, now, &mut line);
    line
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
    let mut line = String::new();
    let perm = perm_fact(entry.kind, path, permissions);
    append_facts(entry, facts, &perm, &mut None, &mut line);
    line
}

/// The time in RFC 3659's form, in whole seconds: what `modify` and MDTM tell. A time that no
/// calendar holds is told as the beginning of 1970.
#[must_use]
pub fn time_val(time: SystemTime) -> String {
    let mut text = String::with_capacity(TIME_VAL_BYTES);
    let time = timestamp(time);
    push::<10>(&mut text, time.year().unsigned_abs().into(), 4, '0');
    let others = [
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
    ];
    for part in others {
        push::<10>(&mut text, part.unsigned_abs().into(), 2, '0');
    }
    text
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

/// Kind and mode, links, owner, group, size, time and name.
fn append_long(entry: &Entry, now: SystemTime, text: &mut String) {
    text.push(kind_letter(entry));
    for (letter, bit) in "rwxrwxrwx".chars().zip((0..9).rev()) {
        let set = entry.mode & (1 << bit) != 0;
        text.push(if set { letter } else { '-' });
    }
    text.push(' ');
    push::<10>(text, entry.links, 3, ' ');
    for whose in [entry.owner.0, entry.owner.1] {
        text.push(' ');
        push_left(text, whose.into(), 8);
    }
    text.push(' ');
    push::<10>(text, entry.size, 8, ' ');
    text.push(' ');
    append_list_time(entry.modified, now, text);
    text.push(' ');
    text.push_str(&entry.name);
}

fn append_list_time(modified: SystemTime, now: SystemTime, text: &mut String) {
    let recent = now.duration_since(modified).is_ok_and(|age| age <= RECENT);
    let time = timestamp(modified);
    let month = usize::try_from(time.month() - 1).unwrap_or(0);
    text.push_str(MONTHS.get(month).copied().unwrap_or_default());
    text.push(' ');
    push::<10>(text, time.day().unsigned_abs().into(), 2, '0');
    text.push(' ');
    if recent {
        push::<10>(text, time.hour().unsigned_abs().into(), 2, '0');
        text.push(':');
        push::<10>(text, time.minute().unsigned_abs().into(), 2, '0');
    } else {
        push::<10>(text, time.year().unsigned_abs().into(), 5, ' ');
    }
}

fn timestamp(time: SystemTime) -> DateTime {
    TimeZone::UTC.to_datetime(Timestamp::try_from(time).unwrap_or_default())
}

/// Facts, a space and the name.
fn append_facts(
    entry: &Entry,
    facts: FactSet,
    perm: &str,
    time: &mut Option<(Duration, String)>,
    line: &mut String,
) {
    for fact in Fact::ALL {
        if !facts.contains(fact) || !has(entry, fact) {
            continue;
        }
        line.push_str(fact.name());
        line.push('=');
        match fact {
            Fact::Type => line.push_str(kind_fact(entry.kind)),
            Fact::Size => push::<10>(line, entry.size, 1, '0'),
            Fact::Modify => line.push_str(written_time(entry.modified, time)),
            Fact::Perm => line.push_str(perm),
            Fact::Unique => {
                push::<16>(line, entry.unique.0, 1, '0');
                line.push('U');
                push::<16>(line, entry.unique.1, 1, '0');
            }
            Fact::UnixMode => push::<8>(line, (entry.mode & MODE_BITS).into(), 4, '0'),
            Fact::Partial => push::<10>(line, entry.partial.map_or(0, |kept| kept.bytes), 1, '0'),
            Fact::PartialModify => {
                let modified = entry.partial.map(|kept| kept.modified);
                line.push_str(&modified.map(time_val).unwrap_or_default());
            }
            _ => {}
        }
        line.push(';');
    }
    line.push(' ');
    line.push_str(&entry.name);
}

/// Whether the entry has such a fact.
fn has(entry: &Entry, fact: Fact) -> bool {
    match fact {
        Fact::Size => entry.kind == EntryKind::File,
        Fact::Partial | Fact::PartialModify => entry.partial.is_some(),
        Fact::Type | Fact::Modify | Fact::Perm | Fact::Unique | Fact::UnixMode => true,
        _ => false,
    }
}

/// The time as [`time_val`] writes it, from `last` if that was the same second.
fn written_time(time: SystemTime, last: &mut Option<(Duration, String)>) -> &str {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    // Before 1970 each is written anew.
    let second = since.map_or(Duration::MAX, |since| Duration::from_secs(since.as_secs()));
    if last
        .as_ref()
        .is_none_or(|(last, _)| *last != second || second == Duration::MAX)
    {
        *last = Some((second, time_val(time)));
    }
    last.as_ref().map_or("", |(_, written)| written)
}

/// The bytes first: nearly all names are of ASCII.
fn holds_control(name: &str) -> bool {
    if name.is_ascii() {
        name.bytes().any(|byte| byte.is_ascii_control())
    } else {
        name.chars().any(char::is_control)
    }
}

/// The path of an entry; `None` where no command could name it.
fn path_in(directory: &VirtualPath, name: &str) -> Option<VirtualPath> {
    directory.join(&Pathname::try_from(name).ok()?).ok()
}

/// Some path in the directory, of no entry in particular.
fn anything_in(directory: &VirtualPath) -> Option<VirtualPath> {
    path_in(directory, "x")
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

/// `YYYYMMDDHHMMSS`.
const TIME_VAL_BYTES: usize = 14;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

const MODE_BITS: u32 = 0o7777;
const FORMAT_BITS: u32 = 0o170_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Kept;

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

    fn line(style: &ListingStyle, entry: &Entry) -> Option<String> {
        let mut text = String::new();
        style
            .clone()
            .lines()
            .append(entry, &mut text)
            .then_some(text)
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
            partial: Some(Kept {
                bytes: 77,
                modified: SystemTime::UNIX_EPOCH,
            }),
            ..file
        };
        assert!(
            mlsx_line(&partial, &path("/a name"), all, &Permissions::all())
                .ends_with(";X.partial=77;X.partial-modify=19700101000000; a name")
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
            let line = line(&style, &entry(name, kind, 0o777)).unwrap();
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
            let line = line(&style, &entry("a b", EntryKind::File, 0o644));
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
                line(&style, &entry(name, EntryKind::File, 0o644)),
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
