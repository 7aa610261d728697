//! `strace` at a running server: which system calls it makes, and one of them gone wrong.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

use tempfile::NamedTempFile;

/// An `strace` that is attached to all threads of a process, and to those that it starts.
#[derive(Debug)]
pub(super) struct Strace {
    child: Child,
    trace: NamedTempFile,
}

/// How often each system call was made.
pub(super) type Calls = BTreeMap<String, u32>;

impl Strace {
    /// Looks on.
    pub(super) fn look(pid: u32) -> Self {
        Self::attach(pid, &[])
    }

    /// Makes the `number`th `call` of a thread go wrong: `how` is an error, or a signal that
    /// comes before the call is made.
    pub(super) fn inject(pid: u32, call: &str, how: &str, number: u32) -> Self {
        let inject = format!("inject={call}:{how}:when={number}");
        Self::attach(pid, &["-e", &format!("trace={call}"), "-e", &inject])
    }

    /// Returns when every thread is traced.
    fn attach(pid: u32, options: &[&str]) -> Self {
        let trace = NamedTempFile::new().unwrap();
        let mut child = Command::new("strace")
            .args(["-f", "-p", &pid.to_string(), "-o"])
            .arg(trace.path())
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = said.next().unwrap().unwrap();
        assert!(line.contains(" attached"), "{line}");
        thread::spawn(move || said.for_each(drop));
        Self { child, trace }
    }

    /// Lets a process that lives go on alone; tells what was traced. One that dies meanwhile
    /// leaves `strace` waiting for ever: where it may, drop it instead.
    pub(super) fn detach(mut self) -> Trace {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-INT", &pid]).status().unwrap();
        self.child.wait().unwrap();
        let lines = fs::read(self.trace.path()).unwrap();
        Trace(String::from_utf8_lossy(&lines).into_owned())
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        // It has ended where it was detached, or where the process was killed.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What an `strace` wrote.
#[derive(Debug)]
pub(super) struct Trace(String);

impl Trace {
    /// Whether the call that was to go wrong was made.
    pub(super) fn is_injected(&self) -> bool {
        self.0.contains("(INJECTED)")
    }

    /// The calls that were begun.
    pub(super) fn calls(&self) -> Calls {
        let mut calls = Calls::new();
        for line in self.0.lines() {
            // `1234 openat(AT_FDCWD, …`, and of another form what is resumed, signals and ends.
            let words = line.split_whitespace().nth(1).unwrap_or_default();
            let Some((name, _)) = words.split_once('(') else {
                continue;
            };
            if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                *calls.entry(name.to_owned()).or_default() += 1;
            }
        }
        calls
    }
}
