//! Two servers and a client in a lab of their own, with the files that are to go.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use thirdhost_harness::binaries;
use thirdhost_lab::{Guest, Host, Lab, Options};

use crate::case::{LONG, Work};
use crate::site::Site;

/// All that one case uses.
pub(crate) struct Scene {
    pub(crate) lab: Lab,
    pub(crate) source: Site,
    pub(crate) destination: Site,
    work: Work,
    home: TempDir,
    client: PathBuf,
}

/// A client that runs.
pub(crate) struct Client {
    guest: Guest,
    /// What it prints, by the threads that read it.
    stdout: thread::JoinHandle<String>,
    stderr: thread::JoinHandle<String>,
}

/// What a file has to hold in the end, and what its name may show before.
pub(crate) type Wanted = (Vec<u8>, Option<Vec<u8>>);

/// What a client left.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None`: it had to be killed.
    pub(crate) code: Option<i32>,
    /// Names it said were done.
    pub(crate) done: Vec<String>,
    pub(crate) dialogue: String,
}

impl Scene {
    /// Sets it, with a first small copy over it, so that all is there that stays.
    pub(crate) fn set(work: Work) -> io::Result<Self> {
        let lab = Lab::up(&Options {
            delay: DELAY,
            ..Options::default()
        })?;
        let program = binaries::path("thirdhostd")?;
        let mut scene = Self {
            source: Site::start(&lab, Host::A, &program)?,
            destination: Site::start(&lab, Host::B, &program)?,
            lab,
            work,
            home: tempfile::tempdir()?,
            client: binaries::path("thirdhost")?,
        };
        fs::write(scene.source.path("first"), b"first")?;
        let mut client = scene.copy("first", "first", &[])?;
        let ended = client.guest.wait_for(FIRST_MAX)?;
        if ended.is_none_or(|status| !status.success()) {
            let said = client.end()?.dialogue;
            return Err(io::Error::other(format!("without any cut: {said}")));
        }
        let now = Instant::now();
        for (_, site) in scene.sites() {
            // What stays open is what the server keeps open.
            site.free_within(&scene.lab, now, SETTLE)?.ok();
        }
        scene.source.is_at_rest()?;
        scene.destination.is_at_rest()?;
        fs::remove_file(scene.destination.path("first"))?;
        scene.plant()?;
        Ok(scene)
    }

    /// Both servers, and where they are.
    pub(crate) fn sites(&self) -> [(Host, &Site); 2] {
        [(Host::A, &self.source), (Host::B, &self.destination)]
    }

    /// Starts the client at its work.
    pub(crate) fn start(&self) -> io::Result<Client> {
        self.work_with(&["--retries", "0"])
    }

    /// The same, as a person does it after a failure.
    pub(crate) fn again(&self) -> io::Result<Client> {
        self.work_with(&[])
    }

    /// By one arrangement alone: another that the client tries after it is another transfer.
    fn work_with(&self, more: &[&str]) -> io::Result<Client> {
        let (name, own): (_, &[&str]) = match self.work {
            Work::One => ("one", &["--listen=destination"]),
            Work::SourceListens => ("one", &["--listen=source"]),
            Work::Many => ("tree", &["--listen=destination", "-r"]),
        };
        self.copy(name, name, &[own, more].concat())
    }

    /// What each file has to be, by path.
    pub(crate) fn expected(&self) -> io::Result<BTreeMap<String, Wanted>> {
        let mut expected = BTreeMap::new();
        let roots: &[&str] = match self.work {
            Work::One | Work::SourceListens => &["one"],
            Work::Many => &["tree"],
        };
        for root in roots {
            for (name, bytes) in files(&self.source.path(root), root)? {
                let old = (self.work != Work::Many).then(|| OLD.to_vec());
                expected.insert(name, (bytes, old));
            }
        }
        Ok(expected)
    }

    /// What is at the destination: what a user sees, and what is hidden.
    pub(crate) fn found(&self) -> io::Result<BTreeMap<String, Vec<u8>>> {
        files(&self.destination.path(""), "").map(|files| files.into_iter().collect())
    }

    fn plant(&self) -> io::Result<()> {
        match self.work {
            Work::One | Work::SourceListens => {
                fs::write(self.source.path("one"), pattern(0, LONG))?;
                fs::write(self.destination.path("one"), OLD)
            }
            Work::Many => {
                for number in 0..FILES {
                    let folder = format!("tree/folder-{}", number % FOLDERS);
                    fs::create_dir_all(self.source.path(&folder))?;
                    let length = if number == FILES / 2 { LONG } else { SHORT };
                    let file = self.source.path(&format!("{folder}/file-{number}"));
                    fs::write(file, pattern(number, length))?;
                }
                Ok(())
            }
        }
    }

    fn copy(&self, from: &str, to: &str, more: &[&str]) -> io::Result<Client> {
        let mut command = Command::new(&self.client);
        command
            .args(["cp", "--third-party", "only", "--clear-text", "--no-cache"])
            .args(["--via", "lstn", "--json", "-v"])
            .args(more)
            .args([self.source.url(from), self.destination.url(to)])
            .env("HOME", self.home.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut guest = self.lab.spawn(Host::User, &mut command)?;
        let (stdout, stderr) = (guest.stdout.take(), guest.stderr.take());
        Ok(Client {
            guest,
            stdout: thread::spawn(|| read(stdout)),
            stderr: thread::spawn(|| read(stderr)),
        })
    }
}

impl Client {
    /// Waits for its end; one that does not end in time is killed.
    pub(crate) fn ended_within(mut self, time: Duration) -> io::Result<Ended> {
        self.guest.wait_for(time)?;
        self.end()
    }

    fn end(mut self) -> io::Result<Ended> {
        let code = self.guest.try_wait()?.and_then(|status| status.code());
        self.guest.kill().ok();
        let failed = |_| io::Error::other("a reader of the client's words failed");
        let events = self.stdout.join().map_err(failed)?;
        let stderr = self.stderr.join().map_err(failed)?;
        let done = events.lines().filter_map(|line| {
            let event: Value = serde_json::from_str(line).ok()?;
            let name = event.get("name")?.as_str()?;
            (event.get("event")? == "done").then(|| name.to_owned())
        });
        Ok(Ended {
            code,
            done: done.collect(),
            dialogue: format!("{stderr}{events}"),
        })
    }
}

impl Ended {
    /// Whether a server has said that a transfer broke on its way.
    pub(crate) fn heard_of_a_loss(&self) -> bool {
        let mut replies = self
            .dialogue
            .lines()
            .filter_map(|line| line.split_once(" < "));
        replies.any(|(_, reply)| reply.starts_with("426 "))
    }
}

fn read(stream: Option<impl io::Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // What was read until it broke is all there is.
        stream.read_to_end(&mut bytes).ok();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// All files beneath a place, by their paths.
fn files(place: &Path, name: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    if !place.is_dir() {
        return Ok(vec![(name.to_owned(), fs::read(place)?)]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        let own = entry.file_name().to_string_lossy().into_owned();
        let name = if name.is_empty() {
            own
        } else {
            format!("{name}/{own}")
        };
        found.extend(files(&entry.path(), &name)?);
    }
    Ok(found)
}

/// Octets that no other file has in these places.
fn pattern(number: usize, length: usize) -> Vec<u8> {
    let octet = |place: usize| u8::try_from((place / 256 + place + number * 31) % 251).ok();
    (0..length).filter_map(octet).collect()
}

/// Long enough that what is sent together comes together, short enough for a thousand cases.
const DELAY: Duration = Duration::from_millis(2);

const OLD: &[u8] = b"what was there before";
const FILES: usize = 40;
const FOLDERS: usize = 4;
const SHORT: usize = 2_000;
const FIRST_MAX: Duration = Duration::from_secs(60);
const SETTLE: Duration = Duration::from_secs(2);
