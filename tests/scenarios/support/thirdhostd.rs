//! The real binary: built when it is not there yet, started, told by signals, ended.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;

use super::patience::{LONG, until};
use super::site::{SECRET, USER};
use super::user::User;

/// A running thirdhostd; ended when dropped.
#[derive(Debug)]
pub(crate) struct Thirdhostd {
    pub(crate) address: SocketAddr,
    child: Child,
    listening: Receiver<String>,
    log: Arc<Mutex<String>>,
}

impl Thirdhostd {
    /// Starts it with `arguments`, and waits for the line that tells where it listens.
    pub(crate) fn start<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Self {
        Self::spawn(command().args(arguments))
    }

    /// Starts it by a whole command line, which another program may begin that becomes it.
    pub(crate) fn start_as<S: AsRef<std::ffi::OsStr>>(words: &[S]) -> Self {
        let (first, rest) = words.split_first().unwrap();
        Self::spawn(Command::new(first).args(rest).env_remove("RUST_LOG"))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (listening, log) = (lines(&mut child), read_log(&mut child));
        let address = next_address(&listening, &log);
        Self {
            address,
            child,
            listening,
            log,
        }
    }

    /// Where it listens besides.
    pub(crate) fn next_address(&self) -> SocketAddr {
        next_address(&self.listening, &self.log)
    }

    /// Starts it at `host` over `root` for alice, who may do everything, also with third hosts.
    pub(crate) fn for_alice(host: &str, root: &Path, config: &Path) -> Self {
        let file = config.join("thirdhostd.toml");
        fs::write(&file, alice(host, root)).unwrap();
        Self::start(&[Path::new("--config"), &file])
    }

    /// The number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        let (name, pid) = (format!("-{name}"), self.child.id().to_string());
        let sent = Command::new("kill").args([name, pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until the log holds `words`.
    pub(crate) fn until_logged(&self, words: &str) {
        until(words, || {
            self.log.lock().unwrap().contains(words).then_some(())
        });
    }

    /// Fails the test if the log holds one of `words` by now.
    pub(crate) fn has_not_logged(&self, words: &[&str]) {
        let log = self.log.lock().unwrap();
        let found = log
            .lines()
            .find(|line| words.iter().any(|word| line.contains(word)));
        assert_eq!(found, None);
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        until("the end of thirdhostd", || self.child.try_wait().unwrap())
    }

    /// A user, greeted and no more.
    pub(crate) fn greeted(&self) -> User {
        User::greeted(USER, self.address)
    }
}

impl Drop for Thirdhostd {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Runs it to its end, with `input` on stdin.
pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(arguments: &[S], input: &str) -> Output {
    let mut child = command()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who does not read stdin may be gone before all is written.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    child.wait_with_output().unwrap()
}

/// A configuration for alice, as [`Thirdhostd::for_alice`] has it.
pub(crate) fn alice(host: &str, root: &Path) -> String {
    let root = root.display();
    format!(
        r#"listen = ["{host}:0"]
root = "{root}"
[data]
lstn_unpinned = "any"
[[user]]
name = "alice"
password = "{SECRET}"
home = "."
permissions = ["read", "write", "append", "delete", "rename", "mkdir"]
third_party = {{ send_to = ["127.0.0.0/8"], receive_from = ["127.0.0.0/8"] }}
"#
    )
}

/// The client, to be told what to do.
pub(crate) fn client() -> Command {
    binary("thirdhost")
}

fn command() -> Command {
    binary("thirdhostd")
}

/// Where the program is.
pub(crate) fn program() -> PathBuf {
    file("thirdhostd")
}

fn file(name: &str) -> PathBuf {
    thirdhost_harness::binaries::path(name).unwrap()
}

fn binary(name: &str) -> Command {
    let mut command = Command::new(file(name));
    command.env_remove("RUST_LOG");
    command
}

fn next_address(listening: &Receiver<String>, log: &Mutex<String>) -> SocketAddr {
    let line = listening.recv_timeout(LONG);
    let line = line.unwrap_or_else(|_| panic!("no line: {}", log.lock().unwrap()));
    let address = line.strip_prefix("listening on ").unwrap();
    address.parse().unwrap()
}

fn lines(child: &mut Child) -> Receiver<String> {
    let (told, lines) = mpsc::channel();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            told.send(line).ok();
        }
    });
    lines
}

fn read_log(child: &mut Child) -> Arc<Mutex<String>> {
    let log = Arc::new(Mutex::default());
    let (kept, stderr) = (
        Arc::clone(&log),
        BufReader::new(child.stderr.take().unwrap()),
    );
    thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            let mut log: std::sync::MutexGuard<'_, String> = kept.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
    log
}
