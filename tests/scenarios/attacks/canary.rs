//! What lies beside a home and is no user's: whoever looks at it, or touches it, is seen.

use std::fmt::Write as _;
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use thirdhost_proto::server::Permissions;

use crate::support::site::{SITE1, Site, entry};
use crate::support::user::User;

/// A server whose user `alice` lives in `home`; beside that lies `outside`.
pub(super) struct Guarded {
    pub(super) site: Site,
    pub(super) outside: PathBuf,
    watch: OwnedFd,
    before: String,
}

impl Guarded {
    pub(super) fn start() -> Self {
        let site = Site::configured(SITE1, |config| {
            let mut alice = entry("alice", Permissions::all(), None);
            alice.account.home = "home".to_owned();
            config.roll.users = vec![alice];
        });
        fs::create_dir(site.path("home")).unwrap();
        let outside = site.path("outside");
        plant(&outside);
        let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).unwrap();
        for directory in [&outside, &outside.join("inner")] {
            inotify::add_watch(&watch, directory, WatchFlags::ALL_EVENTS).unwrap();
        }
        let before = fingerprint(&outside);
        let guarded = Self {
            site,
            outside,
            watch,
            before,
        };
        guarded.events();
        guarded
    }

    /// Alice, in TYPE I.
    pub(super) fn user(&self) -> User {
        self.site.user()
    }

    /// Everything in the home as it was, whatever was done to it. The session holds the home
    /// itself open.
    pub(super) fn lay_traps(&self) {
        let home = self.site.path("home");
        for entry in fs::read_dir(&home).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                fs::remove_dir_all(entry.path()).unwrap();
            } else {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        fs::create_dir(home.join("d")).unwrap();
        for file in ["f", "d/f"] {
            fs::write(home.join(file), "x").unwrap();
        }
        for (link, target) in [
            ("rel", Path::new("../outside")),
            ("abs", &self.outside),
            ("up", Path::new("..")),
            ("root", Path::new("/")),
            ("proc", Path::new("/proc/self/root")),
            ("cwd", Path::new("/proc/self/cwd")),
            ("file", Path::new("../outside/secret")),
            ("loop", Path::new("loop")),
            ("d/deep", Path::new("../../outside")),
        ] {
            symlink(target, home.join(link)).unwrap();
        }
    }

    /// Fails the test if anything outside was opened, read, made, changed or removed since the
    /// start. Nobody may be at work meanwhile.
    pub(super) fn is_untouched(&self, after: &str) {
        assert_eq!(self.events(), Vec::<String>::new(), "{after}");
        assert_eq!(fingerprint(&self.outside), self.before, "{after}");
        let beside = fs::read_dir(self.site.path("")).unwrap().count();
        assert_eq!(beside, 2, "{after}: something was made beside the home");
        // What this look itself has caused.
        self.events();
    }

    fn events(&self) -> Vec<String> {
        let mut room = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.watch, &mut room);
        let mut seen = Vec::new();
        loop {
            match reader.next() {
                Ok(event) if event.events().contains(ReadFlags::IGNORED) => {}
                Ok(event) => seen.push(format!("{:?} {:?}", event.events(), event.file_name())),
                Err(Errno::AGAIN) => return seen,
                Err(error) => panic!("inotify: {error}"),
            }
        }
    }
}

/// Fails the test if `told` has anything in it that can be known from outside the home alone.
pub(super) fn is_innocent(told: &[u8], after: &str) {
    let told = String::from_utf8_lossy(told);
    let lower = told.to_lowercase();
    let found = SECRETS.iter().find(|secret| lower.contains(*secret));
    assert_eq!(found, None, "{after}: {told}");
}

fn plant(outside: &Path) {
    fs::create_dir(outside).unwrap();
    fs::create_dir(outside.join("inner")).unwrap();
    fs::write(outside.join("secret"), SECRET).unwrap();
    fs::write(outside.join("f"), SECRET).unwrap();
    fs::write(outside.join("inner").join(UNGUESSED), SECRET).unwrap();
    let large = fs::File::create(outside.join("large")).unwrap();
    large.set_len(LARGE).unwrap();
    // The last second but one of 1999.
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(946_684_798);
    for name in ["secret", "large", "f"] {
        let file = fs::File::options().append(true).open(outside.join(name));
        file.unwrap().set_modified(time).unwrap();
    }
}

/// All that can be seen of a tree, but when it was last read.
fn fingerprint(tree: &Path) -> String {
    let mut print = String::new();
    let mut waiting = vec![tree.to_owned()];
    while let Some(path) = waiting.pop() {
        let found = fs::symlink_metadata(&path).unwrap();
        let owner = (found.mode(), found.uid(), found.gid(), found.nlink());
        let changed = (found.ctime(), found.ctime_nsec());
        write!(print, "{path:?} {} {owner:?} {changed:?} ", found.ino()).unwrap();
        if found.is_dir() {
            let entries = fs::read_dir(&path).unwrap();
            let mut entries: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
            entries.sort();
            waiting.extend(entries);
        } else {
            let bytes = fs::read(&path).unwrap();
            let begin = bytes.iter().take(64).map(|octet| char::from(*octet));
            writeln!(print, "{} {:?}", bytes.len(), String::from_iter(begin)).unwrap();
        }
    }
    print
}

const SECRET: &str = "nobody may read this";
const UNGUESSED: &str = "a-name-7f3a91";
const LARGE: u64 = 314_159;

/// The bytes outside, their hashes, a name, a size, a time; the words of the system's own files.
const SECRETS: [&str; 11] = [
    SECRET,
    "4664ebfb0afdbd89c487dc0cfdc5becc",
    "057b8534ecbd913df83b2e5cd33ba65febc3fe38",
    "5b4f5e6263a0ff834d5c83df304e42f2c6c3b00a2ced15b32d2031ac8bee6d75",
    "5647505c7ec5472536902b27bccc29a398c8100ea2571363923921826d13cad7",
    "c0f35759",
    UNGUESSED,
    "314159",
    "19991231235958",
    "root:",
    "rust_backtrace",
];

#[test]
fn who_looks_at_what_is_outside_is_seen() {
    for deed in [
        |path: &Path| drop(fs::read(path.join("secret")).unwrap()),
        |path: &Path| drop(fs::read_dir(path).unwrap()),
        |path: &Path| fs::write(path.join("f"), SECRET).unwrap(),
        |path: &Path| fs::rename(path.join("f"), path.join("g")).unwrap(),
    ] {
        let guarded = Guarded::start();
        guarded.is_untouched("nothing");
        deed(&guarded.outside);
        assert!(!guarded.events().is_empty());
    }
    let told = std::panic::catch_unwind(|| is_innocent(b"213 314159", "SIZE"));
    assert!(told.is_err());
}
