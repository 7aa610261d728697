//! The real thirdhost, copying between two servers: a home of its own, and what it says in files.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use tempfile::TempDir;

use super::thirdhostd;

/// Where the client keeps what it remembers, and what it said.
#[derive(Debug)]
pub(crate) struct Copying {
    home: TempDir,
}

impl Copying {
    /// Nothing remembered, nothing said.
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { home }
    }

    /// Begins `cp` with `arguments`. What the one before has said is gone, not what it remembers.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Child {
        let mut command = thirdhostd::client();
        for host in HOSTS {
            command.env(format!("THIRDHOST_PASSWORD_{host}"), "secret");
        }
        command
            .arg("cp")
            .args(arguments)
            .env("XDG_CONFIG_HOME", self.home.path())
            .env("XDG_CACHE_HOME", self.home.path())
            .stdin(Stdio::null())
            .stdout(File::create(self.file("events")).unwrap())
            .stderr(File::create(self.file("said")).unwrap())
            .spawn()
            .unwrap()
    }

    /// What went to stderr.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.file("said")).unwrap()
    }

    /// What went to stdout: with `--json` an event on each line.
    pub(crate) fn events(&self) -> String {
        fs::read_to_string(self.file("events")).unwrap()
    }

    /// All that was said.
    pub(crate) fn told(&self) -> String {
        self.events() + &self.said()
    }

    /// The line of the first event of that name.
    pub(crate) fn event(&self, name: &str) -> String {
        let events = self.events();
        let name = format!("\"event\":\"{name}\"");
        let line = events.lines().find(|line| line.contains(&name));
        line.unwrap_or_else(|| panic!("no {name}: {}", self.told()))
            .to_owned()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}

/// Where the two servers are.
const HOSTS: [&str; 2] = ["127_0_0_2", "127_0_0_3"];
