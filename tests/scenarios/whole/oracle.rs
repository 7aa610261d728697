//! The oracle: what must hold of a file, and of the server, after something went wrong.

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::support::patience::{until_ok, until_true};
use crate::support::peer;
use crate::support::site::USER;
use crate::support::thirdhostd::{Thirdhostd, alice, program};
use crate::support::user::User;

/// A server over a directory, its descriptors counted when it had nothing to do.
pub(super) struct Oracle {
    /// `None` only while it is started again.
    daemon: Option<Thirdhostd>,
    at_rest: Vec<PathBuf>,
    root: TempDir,
    config: TempDir,
}

/// What was to be done with a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) verb: &'static str,
    /// The file before; `None` when there was none.
    pub(super) old: Option<&'static [u8]>,
}

/// What must have become of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fate {
    Old,
    New,
    /// Either of the two: nobody has said that it is done.
    Either,
}

impl Oracle {
    /// Starts a server with `more` in its configuration.
    pub(super) fn start(more: &str) -> Self {
        Self::start_in(more, &[])
    }

    /// The same by way of another program, to which that of the server is given.
    pub(super) fn start_in(more: &str, wrapper: &[&str]) -> Self {
        let [root, config] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let text = format!("{more}\n{}", alice(USER, root.path()));
        fs::write(config.path().join("thirdhostd.toml"), text).unwrap();
        let mut oracle = Self {
            daemon: None,
            at_rest: Vec::new(),
            root,
            config,
        };
        oracle.restart(wrapper);
        oracle
    }

    /// Starts the server, again if need be.
    pub(super) fn restart(&mut self, wrapper: &[&str]) {
        self.daemon = None;
        let (program, config) = (program(), self.config.path().join("thirdhostd.toml"));
        let own = [program.as_path(), Path::new("--config"), &config];
        let words: Vec<_> = wrapper.iter().map(Path::new).chain(own).collect();
        self.daemon = Some(Thirdhostd::start_as(&words));
        // What the runtime opens once, it has opened then.
        let mut user = self.user();
        self.listed(&mut user);
        user.ask("QUIT", 221);
        assert!(user.is_closed());
        let (mut before, mut times) = (Vec::new(), 0);
        until_true("the server at rest", || {
            let now = self.descriptors();
            // One is the root; more, and the sweep at the start still walks.
            let rests = now
                .iter()
                .filter(|is| is.starts_with(self.root.path()))
                .count()
                <= 1;
            times = if rests && now == before { times + 1 } else { 0 };
            before = now;
            times == STEADY_TIMES
        });
        self.at_rest = before;
    }

    pub(super) fn daemon(&mut self) -> &mut Thirdhostd {
        self.daemon.as_mut().unwrap()
    }

    /// A user who is logged in as alice.
    pub(super) fn user(&self) -> User {
        let mut user = User::greeted(USER, self.running().address);
        user.log_in("alice");
        user.ask("TYPE I", 200);
        user
    }

    /// Where the server keeps a file, as the server sees it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        let pid = self.running().pid();
        let root = self.root.path().strip_prefix("/").unwrap();
        Path::new("/proc")
            .join(pid.to_string())
            .join("root")
            .join(root)
            .join(name)
    }

    /// Puts the file there as it was before.
    pub(super) fn prepare(&self, change: Change) {
        match change.old {
            Some(old) => fs::write(self.path(NAME), old).unwrap(),
            None => drop(fs::remove_file(self.path(NAME))),
        }
    }

    /// A transfer that has begun, and has brought `bytes`.
    pub(super) fn begun(&self, change: Change, bytes: &[u8]) -> (User, TcpStream) {
        let mut user = self.user();
        let address = user.pasv();
        let mut stream = peer::call(USER, address);
        user.ask(format!("{} {NAME}", change.verb), 150);
        stream.write_all(bytes).unwrap();
        let all = format!("Status: {} bytes", bytes.len());
        until_true("all bytes received", || {
            user.ask("STAT", 213).raw.contains(&all)
        });
        (user, stream)
    }

    /// Whether all is as it must be: the file, the listing, the descriptors, and that another
    /// upload succeeds and leaves nothing behind.
    pub(super) fn judge(&self, what: &str, change: Change, fate: Fate) {
        let mut user = self.user();
        let listed = self.listed(&mut user);
        let found = listed.contains(&NAME.to_owned()).then(|| {
            let stream = peer::call(USER, user.pasv());
            user.ask(format!("RETR {NAME}"), 150);
            let found = peer::receive_all(stream);
            user.expect(226);
            found
        });
        let names: Vec<&str> = found.iter().map(|_| NAME).collect();
        assert_eq!(listed, names, "{what}: what is listed");
        let is_old = found.as_deref() == change.old;
        let is_new = found == Some(change.made());
        let holds = match fate {
            Fate::Old => is_old,
            Fate::New => is_new,
            Fate::Either => is_old || is_new,
        };
        let length = found.as_ref().map(Vec::len);
        assert!(
            holds,
            "{what}: {length:?} bytes are neither, or not {fate:?}"
        );
        assert_eq!(fs::read(self.path(NAME)).ok(), found, "{what}: on disk");
        let stream = peer::call(USER, user.pasv());
        user.ask(format!("STOR {NAME}"), 150);
        peer::send_all(stream, b"another");
        user.expect(226);
        assert_eq!(fs::read(self.path(NAME)).unwrap(), b"another", "{what}");
        user.ask(format!("DELE {NAME}"), 250);
        drop(user);
        until_ok(&format!("{what}: the descriptors at rest"), || {
            let now = self.descriptors();
            let is_same = now.len() == self.at_rest.len();
            let wrong = || format!("{now:#?}, and were {:#?}", self.at_rest);
            is_same.then_some(()).ok_or_else(wrong)
        });
    }

    /// Whether nothing is left on disk, not even hidden.
    pub(super) fn is_clean(&self) -> bool {
        self.leftovers().is_empty()
    }

    /// Whether something is there that a later upload could go on with.
    pub(super) fn keeps_a_beginning(&self) -> bool {
        let is_beginning = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(".thirdhost-partial."))
        };
        self.leftovers().iter().any(is_beginning)
    }

    /// Makes what is left on disk as old as leftovers become, and has the server sweep.
    pub(super) fn sweep(&mut self) {
        for leftover in self.leftovers() {
            let old = SystemTime::now() - OLDER_THAN_PARTIAL_HOURS;
            let file = fs::File::options().write(true).open(leftover).unwrap();
            file.set_modified(old).unwrap();
        }
        self.restart(&[]);
        until_true("the sweep", || self.is_clean());
    }

    pub(super) fn leftovers(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path(".")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    fn running(&self) -> &Thirdhostd {
        self.daemon.as_ref().unwrap()
    }

    /// What each descriptor is.
    fn descriptors(&self) -> Vec<PathBuf> {
        let all = fs::read_dir(format!("/proc/{}/fd", self.running().pid())).unwrap();
        let all = all.map(|entry| fs::read_link(entry.unwrap().path()));
        let mut all: Vec<_> = all.map(Result::unwrap_or_default).collect();
        all.sort();
        all
    }

    /// Names as NLST tells them, and as MLSD does.
    fn listed(&self, user: &mut User) -> Vec<String> {
        let [names, facts] = ["NLST", "MLSD"].map(|verb| {
            let stream = peer::call(USER, user.pasv());
            user.ask(verb, 150);
            let listed = String::from_utf8(peer::receive_all(stream)).unwrap();
            user.expect(226);
            listed
        });
        let files = facts.lines().filter(|line| line.contains("type=file;"));
        let files: Vec<_> = files.filter_map(|line| line.split_once(' ')).collect();
        let names: Vec<String> = names.lines().map(str::to_owned).collect();
        assert!(
            names.iter().eq(files.iter().map(|(_, name)| name)),
            "{facts}"
        );
        names
    }
}

impl Change {
    /// What the file is when it is done.
    pub(super) fn made(self) -> Vec<u8> {
        match (self.verb, self.old) {
            ("APPE", Some(old)) => [old, SENT].concat(),
            _ => SENT.to_vec(),
        }
    }
}

impl Display for Change {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let target = if self.old.is_some() { "old" } else { "new" };
        write!(f, "{} {target}", self.verb)
    }
}

/// Every way in which a file comes to be or to change.
pub(super) const CHANGES: [Change; 4] = [
    Change {
        verb: "STOR",
        old: None,
    },
    Change {
        verb: "STOR",
        old: Some(OLD),
    },
    Change {
        verb: "APPE",
        old: None,
    },
    Change {
        verb: "APPE",
        old: Some(OLD),
    },
];

/// The file that everything is about.
pub(super) const NAME: &str = "file";

pub(super) const OLD: &[u8] = &[b'o'; 50_000];

/// All that is sent when it is all sent. More than the server stores at a time.
pub(super) const SENT: &[u8] = &[b'n'; 1_200_000];

/// How often in a row, milliseconds apart, the descriptors are as many as before when nothing
/// happens any more.
const STEADY_TIMES: usize = 5;

/// Longer than the default of `partial_hours`.
const OLDER_THAN_PARTIAL_HOURS: Duration = Duration::from_secs(73 * 60 * 60);
