//! A real thirdhostd in a host of the lab.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use thirdhost_lab::{Guest, Host, Lab};

/// A server, and what it held when nobody used it.
pub(crate) struct Site {
    host: Host,
    guest: Guest,
    directory: TempDir,
    descriptors: usize,
}

/// What a server holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Held {
    sessions: usize,
    ports: usize,
    /// What they stand for, if there are too many.
    descriptors: Vec<String>,
}

impl Site {
    /// Starts it as operators do, and waits until it listens.
    pub(crate) fn start(lab: &Lab, host: Host, program: &Path) -> io::Result<Self> {
        let directory = tempfile::tempdir()?;
        let root = directory.path().join("root");
        fs::create_dir(&root)?;
        let config = directory.path().join("thirdhostd.toml");
        fs::write(&config, configuration(host, &root))?;
        let log = File::create(directory.path().join("log"))?;
        let mut command = Command::new(program);
        command.arg("--config").arg(&config).env_remove("RUST_LOG");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut guest = lab.spawn(host, &mut command)?;
        let mut line = String::new();
        if let Some(stdout) = guest.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let mut site = Self {
            host,
            guest,
            directory,
            descriptors: 0,
        };
        if !line.starts_with("listening on ") {
            return Err(io::Error::other(format!("thirdhostd: {}", site.log())));
        }
        site.descriptors = site.descriptors()?;
        Ok(site)
    }

    /// What it holds now is what it holds at rest.
    pub(crate) fn is_at_rest(&mut self) -> io::Result<()> {
        self.descriptors = self.descriptors()?;
        Ok(())
    }

    /// Where a file is on its disk.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("root").join(name)
    }

    /// Where a file is for a client.
    pub(crate) fn url(&self, name: &str) -> String {
        format!(
            "ftp://{USER}:{PASSWORD}@{}:{PORT}/{name}",
            self.host.address()
        )
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// What it still holds, or `None` when it holds what it held at the start.
    pub(crate) fn held(&self, lab: &Lab) -> io::Result<Option<Held>> {
        let metrics = lab.within(self.host, metrics)??;
        let sessions = gauge(&metrics, "thirdhost_sessions ")?;
        let ports = gauge(&metrics, "thirdhost_data_ports_reserved ")?;
        let descriptors = match self.descriptors()? > self.descriptors {
            true => self.open()?,
            false => Vec::new(),
        };
        let is_free = sessions == 0 && ports == 0 && descriptors.is_empty();
        Ok((!is_free).then_some(Held {
            sessions,
            ports,
            descriptors,
        }))
    }

    /// Waits until it is free; how long that took from `since`, or what it still holds.
    pub(crate) fn free_within(
        &self,
        lab: &Lab,
        since: Instant,
        time: Duration,
    ) -> io::Result<Result<Duration, Held>> {
        loop {
            match self.held(lab)? {
                None => return Ok(Ok(since.elapsed())),
                Some(held) if since.elapsed() > time => return Ok(Err(held)),
                Some(_) => std::thread::sleep(STEP),
            }
        }
    }

    fn descriptors(&self) -> io::Result<usize> {
        Ok(fs::read_dir(self.descriptor_directory())?.count())
    }

    /// What its descriptors stand for; one that has gone meanwhile is left out.
    fn open(&self) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(self.descriptor_directory())?;
        let links = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        let mut open: Vec<String> = links.map(|link| link.display().to_string()).collect();
        open.sort();
        Ok(open)
    }

    fn descriptor_directory(&self) -> String {
        format!("/proc/{}/fd", self.guest.id())
    }
}

fn metrics() -> io::Result<String> {
    let mut stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, METRICS)))?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

fn gauge(metrics: &str, name: &str) -> io::Result<usize> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    let value = line.and_then(|value| value.trim().parse().ok());
    value.ok_or_else(|| io::Error::other(format!("no {name}in {metrics:?}")))
}

fn configuration(host: Host, root: &Path) -> String {
    let (address, root) = (host.address(), root.display());
    format!(
        r#"listen = ["{address}:{PORT}"]
root = "{root}"
[tls]
require = "nothing"
[metrics]
listen = "127.0.0.1:{METRICS}"
[[user]]
name = "{USER}"
password = "{HASH}"
home = "."
permissions = ["read", "write", "append", "delete", "rename", "mkdir"]
third_party = {{ send_to = ["10.77.0.0/24"], receive_from = ["10.77.0.0/24"] }}
"#
    )
}

const USER: &str = "alice";
const PASSWORD: &str = "secret";

/// `secret`, hashed as cheaply as can be.
const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$pcAiPBPcGihoW87J7bAYpg\
                    $V/9iYmut6T1PbZwZ8OX6Pilren7yWefvrngQEZB8kTc";

/// Nobody else is in the host.
const PORT: u16 = 2121;
const METRICS: u16 = 9100;

const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Between two looks: each is a call, and many servers are looked at in one run.
const STEP: Duration = Duration::from_millis(250);
