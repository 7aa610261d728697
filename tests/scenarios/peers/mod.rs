//! Programs that others wrote, against the real thirdhostd: what some can do besides, and the
//! matrix of what all are asked.

mod curl;
mod ftplib;
mod lftp;
mod matrix;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::site::USER;
use crate::support::thirdhostd::Thirdhostd;

/// A thirdhostd for alice, its files, and a directory for the program's own.
struct Host {
    daemon: Thirdhostd,
    root: TempDir,
    scratch: TempDir,
}

impl Host {
    fn start() -> Self {
        Self::start_at(USER)
    }

    fn start_at(host: &str) -> Self {
        let (root, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let config = tempfile::tempdir_in(scratch.path()).unwrap();
        let daemon = Thirdhostd::for_alice(host, root.path(), config.path());
        Self {
            daemon,
            root,
            scratch,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// A file of the program's own.
    fn own(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// `ftp://127.0.0.1:50123/`
    fn url(&self) -> String {
        format!("ftp://{}/", self.daemon.address)
    }
}

/// Whether a program is there. Where it is not, its tests are left out and say so, unless
/// `THIRDHOST_REQUIRE_PEERS` is set: then they fail.
pub(crate) fn require(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .is_ok();
    let required = std::env::var_os("THIRDHOST_REQUIRE_PEERS").is_some();
    assert!(found || !required, "{program} is not installed");
    if !found {
        println!("left out: {program} is not installed");
    }
    found
}

/// What a program that must succeed printed.
fn output(command: &mut Command) -> String {
    let output = finished(command);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    String::from_utf8(output.stdout).unwrap()
}

fn finished(command: &mut Command) -> Output {
    command
        .env_remove("ftp_proxy")
        .env_remove("FTP_PROXY")
        .env_remove("all_proxy")
        .env_remove("ALL_PROXY")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Every file beneath a directory, by its path from there, and what is in it.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut files, mut directories) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_owned();
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    files
}

/// A name with a space and letters beyond ASCII.
const ODD_NAME: &str = "grüße aus köln ✓.txt";
