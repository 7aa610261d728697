//! The binary thirdhost, many small files over one arrangement, and who may die in the middle.

mod rounds;

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Child;

use tempfile::TempDir;

use crate::support::copying::Copying;
use crate::support::patience::{until, until_true};
use crate::support::thirdhostd::Thirdhostd;

/// Two servers, and a tree of small files at the first.
struct Scene {
    source: Server,
    destination: Server,
    copying: Copying,
}

struct Server {
    host: &'static str,
    /// None once it is dead.
    daemon: Option<Thirdhostd>,
    root: TempDir,
    config: TempDir,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Dead {
    Source,
    Destination,
    User,
}

#[test]
fn a_tree_of_two_thousand_files_goes_over_one_arrangement() {
    let scene = Scene::with_files(2_000);
    let mut client = scene.client(&["-v"]);
    assert!(client.wait().unwrap().success(), "{}", scene.said());
    scene.is_converged();
    let said = scene.said();
    for (line, times) in [
        ("> LSTN", 1),
        ("> SOCK", 2),
        ("> EPSV", 1),
        ("> RETR", 2_000),
        ("> STOR", 2_000),
    ] {
        assert_eq!(said.matches(line).count(), times, "{line}");
    }
    let rounds = rounds::count(&said);
    assert!(rounds <= rounds::COUNTED_OF_MANY, "{rounds}");
}

#[test]
fn names_that_fail_at_either_end_take_no_other_file_with_them() {
    let scene = Scene::with_files(60);
    // A directory stands where a file is to go, and a file where a directory is.
    fs::create_dir_all(scene.destination.path("there/d1/f1.31")).unwrap();
    fs::write(scene.destination.path("there/d2"), "in the way").unwrap();
    let mut client = scene.client(&["--json", "--retries", "0"]);
    assert_eq!(client.wait().unwrap().code(), Some(12), "{}", scene.said());
    let done = scene.done();
    // Ten folders hold six each.
    assert_eq!(done.len(), 60 - 6 - 1, "{}", scene.said());
    scene.is_whole(&done);
}

#[test]
fn a_source_that_dies_in_the_middle_leaves_no_wrong_file_and_the_rest_is_gone_on_with() {
    check_death(Dead::Source);
}

#[test]
fn a_destination_that_dies_in_the_middle_leaves_no_wrong_file_and_the_rest_is_gone_on_with() {
    check_death(Dead::Destination);
}

#[test]
fn a_user_who_dies_in_the_middle_leaves_no_wrong_file_and_the_rest_is_gone_on_with() {
    check_death(Dead::User);
}

/// No wrong, partial or missing but reported file; and then the rest.
fn check_death(dead: Dead) {
    let mut scene = Scene::with_files(2_000);
    let mut client = scene.client(&["--json", "--retries", "0"]);
    until_true("some files", || scene.count() > 100);
    match dead {
        Dead::Source => scene.source.die(),
        Dead::Destination => scene.destination.die(),
        Dead::User => client.kill().unwrap(),
    }
    let ended = until("the end of the copy", || client.try_wait().unwrap());
    let done = scene.done();
    assert!(!ended.success());
    assert!(done.len() < 2_000, "{}", done.len());
    scene.is_whole(&done);

    scene.source.live();
    scene.destination.live();
    let mut again = scene.client(&["--continue"]);
    assert!(again.wait().unwrap().success(), "{}", scene.said());
    scene.is_converged();
}

impl Scene {
    fn with_files(count: usize) -> Self {
        let scene = Self {
            source: Server::at("127.0.0.2"),
            destination: Server::at("127.0.0.3"),
            copying: Copying::new(),
        };
        for folder in 0..10 {
            fs::create_dir_all(scene.source.path(&format!("tree/d{folder}"))).unwrap();
        }
        for number in 0..count {
            let folder = number % 10;
            let name = format!("tree/d{folder}/f{folder}.{number}");
            fs::write(scene.source.path(&name), octets(number)).unwrap();
        }
        scene
    }

    /// `cp -r`, its events and what it says in files.
    fn client(&self, options: &[&str]) -> Child {
        self.client_for(options, "tree", "there")
    }

    fn client_for(&self, options: &[&str], from: &str, to: &str) -> Child {
        let (from, to) = (self.source.place(from), self.destination.place(to));
        self.copying
            .begin(&[&["-r"], options, &[&from, &to]].concat())
    }

    fn said(&self) -> String {
        self.copying.said()
    }

    /// The names that were told as done.
    fn done(&self) -> HashSet<String> {
        let events = self.copying.events();
        let done = events
            .lines()
            .filter(|line| line.contains(r#""event":"done""#));
        let name = |line: &str| {
            let (_, rest) = line.split_once(r#""name":""#).unwrap();
            rest.split_once('"').unwrap().0.to_owned()
        };
        done.map(name).collect()
    }

    /// How many files are there under their names.
    fn count(&self) -> usize {
        files(&self.destination.path("there")).len()
    }

    /// Every file that is there is the one of that name, and all that were told of are there.
    fn is_whole(&self, done: &HashSet<String>) {
        let there = files(&self.destination.path("there"));
        for name in &there {
            if name == "d2" {
                continue;
            }
            let found = fs::read(self.destination.path("there").join(name)).unwrap();
            let sent = fs::read(self.source.path("tree").join(name)).unwrap();
            assert!(found == sent, "{name} is not what it was");
        }
        for name in done {
            assert!(there.contains(name), "{name} was told of and is not there");
        }
    }

    fn is_converged(&self) {
        let (sent, found) = ("tree", "there");
        let sent = files(&self.source.path(sent));
        assert_eq!(sent, files(&self.destination.path(found)));
        self.is_whole(&sent);
    }
}

impl Server {
    fn at(host: &'static str) -> Self {
        let mut server = Self {
            host,
            daemon: None,
            root: tempfile::tempdir().unwrap(),
            config: tempfile::tempdir().unwrap(),
        };
        server.live();
        server
    }

    fn live(&mut self) {
        let Self {
            host, root, config, ..
        } = self;
        self.daemon
            .get_or_insert_with(|| Thirdhostd::for_alice(host, root.path(), config.path()));
    }

    fn die(&mut self) {
        self.daemon = None;
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.root.path().join(name)
    }

    fn place(&self, name: &str) -> String {
        let address = self.daemon.as_ref().unwrap().address;
        format!("ftp://alice@{address}/{name}")
    }
}

/// The files below, by their paths; what begins with a dot is the server's own.
fn files(directory: &Path) -> HashSet<String> {
    let mut found = HashSet::new();
    let Ok(listing) = fs::read_dir(directory) else {
        return found;
    };
    for entry in listing {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with('.') {
            continue;
        }
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(
                files(&entry.path())
                    .iter()
                    .map(|below| format!("{name}/{below}")),
            ),
            false => {
                found.insert(name);
            }
        }
    }
    found
}

/// No two files are alike, and their lengths differ.
fn octets(number: usize) -> Vec<u8> {
    let line = format!("{number} ");
    line.repeat(1 + number % 1_500).into_bytes()
}
