//! README's commands for an operator, as typed.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

use crate::peers::require;
use crate::support::patience::LONG;
use crate::support::thirdhostd::program;

#[test]
fn readmes_commands_for_an_operator_work_as_typed() {
    if !require("curl") || !require("bash") {
        return;
    }
    let typed = Typed::run(&["## A server with TLS and one user"]);
    let stored = typed.scratch.path().join("ftp/srv/alice/hello.txt");
    assert_eq!(fs::read(stored).unwrap(), b"hello\n");
    assert!(typed.printed.contains("hello.txt"), "{}", typed.printed);
}

#[test]
fn readmes_two_servers_and_a_transfer_by_hand_work_as_typed() {
    if !require("bash") {
        return;
    }
    // The second goes on with the servers of the first.
    let typed = Typed::run(&[
        "## Two servers and a transfer, by hand",
        "## A tree from one server to another",
    ]);
    let both = "first half\nsecond half\n";
    assert!(typed.printed.contains(both), "{}", typed.printed);
    let stored = |name: &str| {
        let file = typed.scratch.path().join("site2").join(name);
        fs::read_to_string(file).unwrap()
    };
    assert_eq!(stored("PROG2.PL1"), both);
    assert_eq!(stored("y/readme"), "one\n");
    assert_eq!(stored("y/photos/by the sea"), "two\n");
    assert_eq!(stored("y/news"), "three\n");
}

/// What came of sections of README, typed into a shell in a directory of its own.
struct Typed {
    printed: String,
    scratch: tempfile::TempDir,
}

impl Typed {
    /// Types the sections' commands; only ports and `/tmp` are others, and nothing is installed.
    fn run(headings: &[&str]) -> Self {
        let began = Instant::now();
        let scratch = tempfile::tempdir().unwrap();
        let mut shell = Shell::start(scratch.path());
        for block in blocks(headings, scratch.path()) {
            let servers = block.lines().filter(|line| line.ends_with('&')).count();
            shell.type_in(&block);
            for _ in 0..servers {
                shell.until_printed("listening on ");
            }
        }
        shell.type_in("kill $(jobs -p)\nwait\nexit\n");
        let printed = shell.rest();
        println!("{headings:?}: {:?}\n{printed}", began.elapsed());
        Self { printed, scratch }
    }
}

struct Shell {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
}

impl Shell {
    fn start(directory: &Path) -> Self {
        let path = std::env::var("PATH").unwrap();
        let own = program();
        let path = format!("{}:{path}", own.parent().unwrap().display());
        let mut child = Command::new("bash")
            .args(["--norc", "-e"])
            .current_dir(directory)
            .env_clear()
            .env("PATH", path)
            .env("HOME", directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (told, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                told.send(line).ok();
            }
        });
        let stdin = child.stdin.take().unwrap();
        Self {
            child,
            stdin,
            lines,
        }
    }

    fn type_in(&mut self, text: &str) {
        self.stdin.write_all(text.as_bytes()).unwrap();
    }

    fn until_printed(&self, start: &str) {
        while !self.lines.recv_timeout(LONG).unwrap().starts_with(start) {}
    }

    /// Waits for its end, which must be success; what it printed since.
    fn rest(mut self) -> String {
        let mut rest = String::new();
        while let Ok(line) = self.lines.recv_timeout(LONG) {
            rest.push_str(&line);
            rest.push('\n');
        }
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {rest}");
        rest
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // After a failure: the servers that it has started go with it.
        let children = format!("-P{}", self.child.id());
        Command::new("pkill").arg(children).status().ok();
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The sections' blocks of shell, ports and directories replaced.
fn blocks(headings: &[&str], scratch: &Path) -> Vec<String> {
    let section = |heading: &&str| {
        let (_, section) = README.split_once(heading).unwrap();
        section.split("\n## ").next().unwrap()
    };
    let text: String = headings.iter().map(section).collect();
    let mut text = text.replace("/tmp/", &format!("{}/", scratch.display()));
    for port in ["2121", "2122", "2123"] {
        text = text.replace(port, &free_port());
    }
    let blocks = text.split("```sh\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    let typed = |line: &&str| !line.starts_with("cargo ");
    let blocks = blocks.map(|block| block.split_inclusive('\n').filter(typed).collect());
    blocks.collect()
}

/// One that was free a moment ago: the text names it before the server takes it.
fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

const README: &str = include_str!("../../README.md");
