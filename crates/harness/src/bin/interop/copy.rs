//! One pair: files are planted at the source, `thirdhost cp` runs, and the disks are compared.

use std::fmt;
use std::fs;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use thirdhost_harness::binaries;
use thirdhost_harness::peers::{self, Running};

/// How the files of a pair travelled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    /// From server to server.
    Direct {
        /// `lstn`, `epsv` or `pasv`.
        arrangement: String,
        /// `source` or `destination`.
        listener: String,
    },
    /// Through this host.
    Relay,
    /// Not all of them arrived as they were.
    Failed(String),
}

impl Way {
    /// Which server listened.
    pub(crate) fn listener(&self) -> Option<&str> {
        match self {
            Self::Direct { listener, .. } => Some(listener),
            _ => None,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct {
                arrangement,
                listener,
            } => write!(f, "{} {listener}", arrangement.to_uppercase()),
            Self::Relay => f.write_str("relay"),
            Self::Failed(why) => write!(f, "FAILED: {why}"),
        }
    }
}

/// What became of a pair.
pub(crate) struct Copied {
    pub(crate) way: Way,
    /// The ways that did not work, and why.
    pub(crate) refusals: Vec<String>,
    pub(crate) seconds: f64,
    /// What was said on the control connections, if it failed.
    pub(crate) dialogue: String,
}

/// The person who copies: a home with passwords for every server.
pub(crate) struct Person {
    home: tempfile::TempDir,
    thirdhost: PathBuf,
}

impl Person {
    pub(crate) fn new(hosts: &[std::net::Ipv4Addr]) -> io::Result<Self> {
        let home = tempfile::tempdir()?;
        let mut netrc = String::new();
        for host in hosts {
            for peer in peers::ALL {
                let [user, password] = peer.login();
                netrc.push_str(&format!(
                    "machine {host} login {user} password {password}\n"
                ));
            }
        }
        fs::write(home.path().join(".netrc"), netrc)?;
        Ok(Self {
            home,
            thirdhost: binaries::path("thirdhost")?,
        })
    }

    /// Copies files of all sizes from one server to another.
    pub(crate) fn copy(&self, from: &Running, to: &Running, tls: bool) -> io::Result<Copied> {
        let [sent, stored] = [from, to].map(|running| running.files().join(TREE));
        fs::create_dir(&sent)?;
        for size in SIZES {
            fs::write(sent.join(size.to_string()), bytes(size))?;
        }
        let scheme = if tls { "ftpes" } else { "ftp" };
        let command = |form: &str| {
            let mut command = Command::new(&self.thirdhost);
            command
                .args(["cp", form, "--recursive", "--retries", "0", "--no-cache"])
                .args(if tls { UNDER_TLS } else { &[] })
                .args([from.url(scheme, TREE), to.url(scheme, TREE)])
                .env_clear()
                .env("HOME", self.home.path());
            command
        };
        let began = Instant::now();
        let output = finished(&mut command("--json"))?;
        let seconds = began.elapsed().as_secs_f64();
        let told = Told::read(&String::from_utf8_lossy(&output.stdout));
        let way = match wrong(&output, &sent, &stored) {
            Some(why) => Way::Failed([vec![why], told.failures].concat().join("; ")),
            None => told.way,
        };
        // Events and the dialogue do not come together: it is done again for the dialogue.
        let dialogue = match way {
            Way::Failed(_) => finished(&mut command("--verbose"))?.stderr,
            _ => Vec::new(),
        };
        fs::remove_dir_all(&sent)?;
        fs::remove_dir_all(&stored).ok();
        Ok(Copied {
            way,
            refusals: told.refusals,
            seconds,
            dialogue: String::from_utf8_lossy(&dialogue).into_owned(),
        })
    }
}

/// What the events said.
struct Told {
    way: Way,
    refusals: Vec<String>,
    failures: Vec<String>,
}

impl Told {
    fn read(events: &str) -> Self {
        let mut ways = Vec::new();
        let (mut refusals, mut failures) = (Vec::new(), Vec::new());
        for event in events.lines() {
            let Ok(event) = serde_json::from_str::<Value>(event) else {
                continue;
            };
            let word = |name| event.get(name).and_then(Value::as_str).unwrap_or_default();
            match word("event") {
                "rung" => refusals.push(word("note").to_owned()),
                "done" if word("way") == "direct" => ways.push(Way::Direct {
                    arrangement: word("arrangement").to_owned(),
                    listener: word("listener").to_owned(),
                }),
                "done" => ways.push(Way::Relay),
                "failed" | "error" => failures.push(word("message").to_owned()),
                _ => {}
            }
        }
        ways.dedup();
        let way = match ways.as_slice() {
            [way] => way.clone(),
            [] => Way::Failed("no file was copied".to_owned()),
            several => Way::Failed(format!("the way changed: {several:?}")),
        };
        Self {
            way,
            refusals,
            failures,
        }
    }
}

/// What is not as it should be, on the disks or at the end of the program.
fn wrong(output: &Output, sent: &Path, stored: &Path) -> Option<String> {
    for name in SIZES.map(|size| size.to_string()) {
        match (fs::read(sent.join(&name)), fs::read(stored.join(&name))) {
            (Ok(sent), Ok(stored)) if sent == stored => {}
            (Ok(sent), Ok(stored)) => {
                let (sent, stored) = (sent.len(), stored.len());
                return Some(format!("{stored} bytes, not the {sent} that were sent"));
            }
            _ => return Some(format!("{name} did not arrive")),
        }
    }
    (!output.status.success()).then(|| format!("thirdhost: {}", output.status))
}

/// Bytes in which every line end of every system occurs, so that no conversion goes unseen.
fn bytes(size: usize) -> Vec<u8> {
    let line = |number: usize| [b"\r\n\n\r\0\xff\xf4\r", number.to_le_bytes().as_slice()].concat();
    (0..).flat_map(line).take(size).collect()
}

/// Runs a program to its end, but not for ever.
fn finished(command: &mut Command) -> io::Result<Output> {
    let [stdout, stderr] = [tempfile::tempfile()?, tempfile::tempfile()?];
    let mut child = command
        .stdin(Stdio::null())
        .stdout(stdout.try_clone()?)
        .stderr(stderr.try_clone()?)
        .spawn()?;
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > deadline {
            child.kill()?;
            break child.wait()?;
        }
        thread::park_timeout(STEP);
    };
    Ok(Output {
        status,
        stdout: written(stdout)?,
        stderr: written(stderr)?,
    })
}

fn written(mut file: fs::File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Certificates signed by themselves, and servers that cannot check each other's.
const UNDER_TLS: &[&str] = &["--accept-new", "--unverified-peers"];

/// The directory that is copied.
const TREE: &str = "interop";

/// Nothing, next to nothing, more than a buffer, more than all of them.
pub(crate) const SIZES: [usize; 4] = [0, 1, 70_000, 3 << 20];

/// For all files of a pair; what is silent for longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);

const STEP: Duration = Duration::from_millis(10);
