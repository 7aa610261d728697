//! What worked between two servers before: a file in the user's cache directory, never trusted
//! with more than the order in which ways are tried.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use thirdhost_client::{Arrangement, Known, Listen, Policy, Relay, Remote, Security, Side, Via};

/// What worked between pairs of servers.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    /// `None`: nothing is looked up and nothing kept.
    path: Option<PathBuf>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Pairs {
    version: u32,
    pairs: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// `user@host:port`, with `ftpes://` or `ftps://` before it.
    source: String,
    destination: String,
    way: Way,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    listener: Option<Listener>,
    /// When it worked, in seconds since 1970.
    at: u64,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Way {
    Lstn,
    Epsv,
    Pasv,
    Relay,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Listener {
    Source,
    Destination,
}

impl Cache {
    /// `pairs.json` in the user's cache directory; nowhere if there is none, or for `--no-cache`.
    pub(crate) fn new(is_off: bool) -> Self {
        let path = directory().map(|directory| directory.join("thirdhost").join("pairs.json"));
        Self {
            path: path.filter(|_| !is_off),
        }
    }

    /// The policy with what worked before between these two, if all ways may be tried.
    pub(crate) fn advise(&self, mut policy: Policy, from: &Remote, to: &Remote) -> Policy {
        if let Some(path) = self.path.as_deref().filter(|_| is_open(&policy)) {
            let entries = read(path);
            policy.known = known(&entries, &name(from), &name(to), now());
        }
        policy
    }

    /// Keeps what worked, or that nothing did. A cache that cannot be written is no trouble.
    pub(crate) fn keep(&self, policy: &Policy, from: &Remote, to: &Remote, worked: Option<Known>) {
        let Some(path) = self.path.as_deref().filter(|_| is_open(policy)) else {
            return;
        };
        let mut entries = read(path);
        let before = entries.clone();
        replace(&mut entries, name(from), name(to), worked, now());
        if entries != before {
            let _only_slower_next_time = write(path, entries);
        }
    }
}

/// Whether the ladder is climbed as a whole, so that what worked was the best there is.
fn is_open(policy: &Policy) -> bool {
    policy.via == Via::Auto
        && policy.listen == Listen::Auto
        && policy.relay == Relay::Last
        && !policy.unverified_peers
}

fn known(entries: &[Entry], source: &str, destination: &str, now: u64) -> Option<Known> {
    let entry = entries
        .iter()
        .find(|entry| entry.source == source && entry.destination == destination)?;
    let arrangement = match entry.way {
        Way::Lstn => Some(Arrangement::Lstn),
        Way::Epsv => Some(Arrangement::Epsv),
        Way::Pasv => Some(Arrangement::Pasv),
        Way::Relay => None,
    };
    let lasts = match arrangement {
        Some(_) => DIRECT_LASTS,
        None => RELAY_LASTS,
    };
    // What is of the future was kept by a clock that was wrong.
    if now.checked_sub(entry.at)? > lasts.as_secs() {
        return None;
    }
    let Some(arrangement) = arrangement else {
        return Some(Known::Relay);
    };
    let listener = match entry.listener? {
        Listener::Source => Side::Source,
        Listener::Destination => Side::Destination,
    };
    Some(Known::Direct {
        arrangement,
        listener,
    })
}

fn replace(
    entries: &mut Vec<Entry>,
    source: String,
    destination: String,
    worked: Option<Known>,
    now: u64,
) {
    let old = entries
        .iter()
        .position(|entry| entry.source == source && entry.destination == destination)
        .map(|at| entries.remove(at));
    let (way, listener) = match worked {
        Some(Known::Direct {
            arrangement,
            listener,
        }) => {
            let way = match arrangement {
                Arrangement::Lstn => Way::Lstn,
                Arrangement::Epsv => Way::Epsv,
                Arrangement::Pasv => Way::Pasv,
            };
            let listener = match listener {
                Side::Source => Listener::Source,
                Side::Destination => Listener::Destination,
            };
            (way, Some(listener))
        }
        Some(_) => (Way::Relay, None),
        None => return,
    };
    // A relay is believed a day from when it was found to be the only way, not from its last use.
    let at = match old {
        Some(old) if way == Way::Relay && old.way == way && is_fresh(&old, now) => old.at,
        _ => now,
    };
    entries.push(Entry {
        source,
        destination,
        way,
        listener,
        at,
    });
    let surplus = entries.len().saturating_sub(PAIRS_MAX);
    entries.drain(..surplus);
}

fn is_fresh(entry: &Entry, now: u64) -> bool {
    now.checked_sub(entry.at)
        .is_some_and(|age| age <= RELAY_LASTS.as_secs())
}

/// What cannot be read, or is of another version, is as good as nothing.
fn read(path: &Path) -> Vec<Entry> {
    let mut text = String::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
    match (read, serde_json::from_str::<Pairs>(&text)) {
        (Ok(_), Ok(found)) if found.version == VERSION => found.pairs,
        _ => Vec::new(),
    }
}

/// Whole or not at all: another process may read it now.
fn write(path: &Path, pairs: Vec<Entry>) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    let version = VERSION;
    serde_json::to_writer(&mut file, &Pairs { version, pairs })?;
    file.flush()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Who may do what at a server depends on the user, and who can meet whom on TLS.
fn name(remote: &Remote) -> String {
    let user = remote.user.as_ref().map_or("", |user| user.as_str());
    let scheme = match remote.security {
        Security::Offered => "",
        Security::Explicit => "ftpes://",
        Security::Implicit => "ftps://",
        Security::ClearText => "clear://",
    };
    format!("{scheme}{user}@{}", remote.site())
}

fn directory() -> Option<PathBuf> {
    let from = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = || from("HOME").map(PathBuf::from);
    if let Some(directory) = from("XDG_CACHE_HOME") {
        return Some(directory.into());
    }
    if cfg!(windows) {
        return from("LOCALAPPDATA").map(PathBuf::from);
    }
    let below = if cfg!(target_os = "macos") {
        "Library/Caches"
    } else {
        ".cache"
    };
    home().map(|home| home.join(below))
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// Of the file's form.
const VERSION: u32 = 1;

/// Servers change seldom, and a way that fails is followed by the others.
const DIRECT_LASTS: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A relay costs the user's own line, so whether a direct way is open by now is asked every day.
const RELAY_LASTS: Duration = Duration::from_secs(24 * 60 * 60);

/// More pairs than anybody works with; the oldest go.
const PAIRS_MAX: usize = 1000;

/// [`PAIRS_MAX`] entries with long names.
const FILE_BYTES_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session;

    const DIRECT: Known = Known::Direct {
        arrangement: Arrangement::Epsv,
        listener: Side::Source,
    };

    fn remotes() -> (Remote, Remote) {
        let remote = |text| session::remote(text).unwrap();
        (
            remote("ftp://u@a.example/x"),
            remote("ftp://b.example:2121/y"),
        )
    }

    fn check(worked: Known, age: Duration, expected: Option<Known>) {
        let mut entries = Vec::new();
        replace(
            &mut entries,
            "s".into(),
            "d".into(),
            Some(worked),
            1_000_000,
        );
        let now = 1_000_000 + age.as_secs();
        assert_eq!(
            known(&entries, "s", "d", now),
            expected,
            "{worked:?} {age:?}"
        );
        assert_eq!(
            known(&entries, "d", "s", now),
            None,
            "the order of a pair counts"
        );
        assert_eq!(known(&entries, "s", "d", 999_999), None, "of the future");
    }

    #[test]
    fn a_pair_is_known_until_it_is_too_old() {
        let second = Duration::from_secs(1);
        check(DIRECT, Duration::ZERO, Some(DIRECT));
        check(DIRECT, DIRECT_LASTS, Some(DIRECT));
        check(DIRECT, DIRECT_LASTS + second, None);
        check(Known::Relay, RELAY_LASTS, Some(Known::Relay));
        check(Known::Relay, RELAY_LASTS + second, None);
    }

    #[test]
    fn a_relay_is_not_believed_for_longer_by_being_used() {
        let mut entries = Vec::new();
        let mut relayed = |now| {
            replace(
                &mut entries,
                "s".into(),
                "d".into(),
                Some(Known::Relay),
                now,
            );
            entries[0].at
        };
        assert_eq!(relayed(100), 100);
        assert_eq!(relayed(200), 100);
        assert_eq!(
            relayed(100 + RELAY_LASTS.as_secs() + 1),
            100 + RELAY_LASTS.as_secs() + 1
        );
    }

    #[test]
    fn what_was_kept_is_found_again_and_what_is_of_no_use_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("thirdhost/pairs.json");
        let cache = Cache {
            path: Some(path.clone()),
        };
        let (from, to) = remotes();
        let found = || cache.advise(Policy::default(), &from, &to).known;
        assert_eq!(found(), None);
        cache.keep(&Policy::default(), &from, &to, Some(DIRECT));
        assert_eq!(found(), Some(DIRECT));
        assert_eq!(cache.advise(Policy::default(), &to, &from).known, None);
        let secret = session::remote("ftpes://u@a.example:21/x").unwrap();
        let under_tls = cache.advise(Policy::default(), &secret, &to);
        assert_eq!(
            under_tls.known, None,
            "who meets in clear text may not under TLS"
        );

        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(r#""source":"u@a.example:21""#), "{text}");
        for broken in [
            text.replace(r#""version":1"#, r#""version":2"#),
            text.replace("epsv", "smoke"),
            text[..text.len() - 3].to_owned(),
            String::new(),
        ] {
            std::fs::write(&path, &broken).unwrap();
            assert_eq!(found(), None, "{broken}");
            cache.keep(&Policy::default(), &from, &to, Some(Known::Relay));
            assert_eq!(found(), Some(Known::Relay), "it is written anew");
        }
        cache.keep(&Policy::default(), &from, &to, None);
        assert_eq!(found(), None, "nothing worked");
        let left = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "a temporary is left");
    }

    #[test]
    fn a_way_that_was_told_teaches_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = Some(directory.path().join("pairs.json"));
        let cache = Cache { path };
        let (from, to) = remotes();
        let mut told = Policy::default();
        told.via = Via::Only(Arrangement::Pasv);
        cache.keep(&told, &from, &to, Some(DIRECT));
        assert_eq!(cache.advise(Policy::default(), &from, &to).known, None);
        cache.keep(&Policy::default(), &from, &to, Some(Known::Relay));
        told.via = Via::Auto;
        told.relay = Relay::Never;
        assert_eq!(cache.advise(told.clone(), &from, &to).known, None);
        told.relay = Relay::Last;
        told.unverified_peers = true;
        assert_eq!(cache.advise(told, &from, &to).known, None);
        let off = Cache { path: None };
        off.keep(&Policy::default(), &from, &to, Some(DIRECT));
        assert_eq!(off.advise(Policy::default(), &from, &to).known, None);
    }

    #[test]
    fn the_oldest_pairs_go_when_there_are_too_many() {
        let mut entries = Vec::new();
        for number in 0..=PAIRS_MAX {
            let source = number.to_string();
            replace(&mut entries, source, "d".into(), Some(DIRECT), 1);
        }
        assert_eq!(entries.len(), PAIRS_MAX);
        assert_eq!(known(&entries, "0", "d", 1), None);
        assert_eq!(known(&entries, "1000", "d", 1), Some(DIRECT));
    }
}
