//! A thirdhostd that listens in every way, and what a cell must find and leave there.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::cells::{Cell, Column, Family, Security, Verb};
use super::{Client, Task, Told};
use crate::support::site::SECRET;
use crate::support::thirdhostd::{self, Thirdhostd};

/// The server, its files, and a directory for the programs.
pub(super) struct Site {
    /// Clear and explicit IPv4 and IPv6, implicit IPv4 and IPv6.
    addresses: [SocketAddr; 4],
    root: TempDir,
    scratch: TempDir,
    config: TempDir,
    _daemon: Thirdhostd,
}

impl Site {
    pub(super) fn start() -> Self {
        let [root, scratch, config] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let names = ["localhost", "127.0.0.1", "::1"];
        let mut made = vec!["tls", "self-signed", "--out", path(config.path())];
        made.extend(names.iter().flat_map(|name| ["--name", name]));
        let made = thirdhostd::run(&made, "");
        assert!(made.status.success(), "{made:?}");
        let file = config.path().join("thirdhostd.toml");
        fs::write(&file, configuration(root.path())).unwrap();
        let daemon = Thirdhostd::start(&[Path::new("--config"), &file]);
        let next = |_| daemon.next_address();
        let [v6, implicit_v4, implicit_v6] = [(); 3].map(next);
        Self {
            addresses: [daemon.address, v6, implicit_v4, implicit_v6],
            root,
            scratch,
            config,
            _daemon: daemon,
        }
    }

    /// Has the program do it, and looks whether it is done.
    pub(super) fn try_cell(&self, client: &Client, cell: &Cell) -> Outcome {
        if client.cannot.iter().any(|cannot| (cannot.when)(cell)) {
            return Outcome::Cannot;
        }
        let (verb, name) = (cell.verb, cell.column.name.text());
        empty(self.root.path());
        empty(self.scratch.path());
        self.prepare(verb, &name);
        let certificate = self.config.path().join("server.pem");
        let told = (client.told)(&Task {
            verb,
            security: cell.column.security,
            server: self.server(cell.column),
            certificate: &certificate,
            name: &name,
            own: OWN,
        });
        match run(told, self.scratch.path()) {
            Ok(printed) if self.is_done(verb, &name, &printed) => Outcome::Done,
            Ok(printed) => Outcome::Failed(format!("{:?}\n{printed}", self.at_server())),
            Err(failure) => Outcome::Failed(failure),
        }
    }

    fn server(&self, column: Column) -> SocketAddr {
        let [v4, v6, implicit_v4, implicit_v6] = self.addresses;
        match (column.security, column.family) {
            (Security::Clear | Security::Explicit, Family::V4) => v4,
            (Security::Clear | Security::Explicit, Family::V6) => v6,
            (Security::Implicit, Family::V4) => implicit_v4,
            (Security::Implicit, Family::V6) => implicit_v6,
        }
    }

    fn prepare(&self, verb: Verb, name: &str) {
        let (there, own) = (self.path(name), self.scratch.path().join(OWN));
        match verb {
            Verb::Upload => fs::write(own, bytes()).unwrap(),
            Verb::Download | Verb::List | Verb::Delete => fs::write(there, bytes()).unwrap(),
            Verb::ResumeUpload => {
                fs::write(there, HALF).unwrap();
                fs::write(own, bytes()).unwrap();
            }
            Verb::ResumeDownload => {
                fs::write(there, bytes()).unwrap();
                fs::write(own, HALF).unwrap();
            }
            Verb::ListInside => {
                fs::create_dir(&there).unwrap();
                fs::write(there.join(INSIDE), "x").unwrap();
            }
            Verb::Rename => {
                fs::create_dir(self.path("moved")).unwrap();
                fs::write(there, bytes()).unwrap();
            }
            Verb::MakeDirectory => {}
            Verb::RemoveDirectory => fs::create_dir(there).unwrap(),
        }
    }

    fn is_done(&self, verb: Verb, name: &str, printed: &str) -> bool {
        let (there, own) = (self.path(name), self.scratch.path().join(OWN));
        let holds = |path: PathBuf, wanted: Vec<u8>| fs::read(path).is_ok_and(|is| is == wanted);
        match verb {
            Verb::Upload => holds(there, bytes()),
            Verb::Download => holds(own, bytes()),
            Verb::ResumeUpload => holds(there, resumed()),
            Verb::ResumeDownload => holds(own, resumed()),
            Verb::List => printed.contains(name),
            Verb::ListInside => printed.contains(INSIDE),
            Verb::Rename => holds(self.path("moved").join(name), bytes()) && !there.exists(),
            Verb::MakeDirectory => there.is_dir() && self.at_server().len() == 1,
            Verb::Delete | Verb::RemoveDirectory => self.at_server().is_empty(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// All there is in the root, the server's own files among it.
    fn at_server(&self) -> Vec<PathBuf> {
        entries(self.root.path())
    }
}

/// What came of a cell.
pub(super) enum Outcome {
    Done,
    Cannot,
    Failed(String),
}

/// What is printed by a program that ends in time and with success.
fn run(told: Told, home: &Path) -> Result<String, String> {
    let Told { mut command, input } = told;
    let output = home.join("printed");
    let printed = File::create(&output).unwrap();
    let environment = kept(&command);
    let mut child = command
        .current_dir(home)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("LANG", "C.UTF-8")
        .envs(environment)
        .stdin(stdin(&input))
        .stdout(printed.try_clone().unwrap())
        .stderr(printed)
        .spawn()
        .unwrap();
    let deadline = Instant::now() + TIME_LIMIT;
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status.to_string(),
            None if Instant::now() > deadline => {
                child.kill().unwrap();
                child.wait().unwrap();
                break format!("ended after {TIME_LIMIT:?}");
            }
            None => std::thread::park_timeout(STEP),
        }
    };
    let printed = String::from_utf8_lossy(&fs::read(output).unwrap()).into_owned();
    if status == "exit status: 0" {
        Ok(printed)
    } else {
        Err(format!("{status}: {command:?} {input:?}\n{printed}"))
    }
}

/// The environment that the driver asks for; nothing of ours is inherited.
fn kept(command: &Command) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    let set = command.get_envs();
    let set = set.filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())));
    set.collect()
}

fn stdin(input: &str) -> Stdio {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(input.as_bytes()).unwrap();
    file.rewind().unwrap();
    file.into()
}

fn empty(directory: &Path) {
    for path in entries(directory) {
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Bytes in which line ends stand that a transfer as text would change.
fn bytes() -> Vec<u8> {
    let pattern = b"\r\n\n\0\xff\r".iter().copied().cycle();
    let bytes = pattern.zip(0..LENGTH);
    bytes.flat_map(|(octet, n)| [octet, n as u8]).collect()
}

/// What another file began with, and the rest of this one: nobody has sent it all again.
fn resumed() -> Vec<u8> {
    [HALF, bytes().split_at(HALF.len()).1].concat()
}

fn configuration(root: &Path) -> String {
    format!(
        r#"listen = ["127.0.0.1:0", "[::1]:0"]
root = "{root}"
[tls]
certificate = "server.pem"
key = "server.key"
implicit_listen = ["127.0.0.1:0", "[::1]:0"]
[[user]]
name = "alice"
password = "{SECRET}"
home = "."
permissions = ["read", "write", "append", "delete", "rename", "mkdir"]
"#,
        root = path(root),
    )
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The program's own file, in the directory it runs in.
const OWN: &str = "own";

/// The file in a directory that is listed.
const INSIDE: &str = "inside.txt";

/// What is there of a file before it is resumed.
const HALF: &[u8] = &[b'h'; 40_000];

/// Half the bytes of a file.
const LENGTH: u32 = 60_000;

/// No program takes longer, but for one that waits for what does not come.
const TIME_LIMIT: Duration = Duration::from_secs(15);

const STEP: Duration = Duration::from_millis(2);
