//! A peer that runs: started on a free port, waited for until it greets, ended with its children.

use std::fs::{self, File, Permissions};
use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use super::find::is_required;
use super::{CertificateFiles, Peer, Place, Setting, VersionTold};

/// A server that runs; killed with all its children when dropped.
#[derive(Debug)]
pub struct Running {
    peer: &'static dyn Peer,
    address: SocketAddr,
    directory: TempDir,
    greeting: String,
    program: PathBuf,
    certificate: Option<CertificateFiles>,
    child: Child,
}

/// Starts a peer and waits until it greets; `None` if it is not installed.
///
/// # Errors
/// [`StartError`]; also for a missing one if peers are required.
pub fn start(peer: &'static dyn Peer, setting: Setting) -> Result<Option<Running>, StartError> {
    let name = peer.name();
    let Some(program) = peer.find() else {
        return absent(StartError::Absent(name));
    };
    if peer.needs_root() && !geteuid().is_root() {
        return absent(StartError::NotRoot(name));
    }
    // Between finding a port free and taking it another process may take it.
    let mut last = StartError::Absent(name);
    for _ in 0..ATTEMPTS {
        match Running::start(peer, &program, setting) {
            Ok(running) => return Ok(Some(running)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn absent(why: StartError) -> Result<Option<Running>, StartError> {
    if is_required() {
        return Err(why);
    }
    eprintln!("left out: {why}");
    Ok(None)
}

/// Why a peer does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Its program is not there.
    #[error("{0} is not installed; .ci/peers installs it")]
    Absent(&'static str),
    /// It changes users, which only the superuser may.
    #[error("{0} has to be started by the superuser")]
    NotRoot(&'static str),
    /// It ended, or said nothing.
    #[error("{name} does not serve: {log}")]
    Silent {
        /// The peer.
        name: &'static str,
        /// What it printed.
        log: String,
    },
    /// The system's part of it.
    #[error("cannot start the peer")]
    Io(#[from] io::Error),
}

impl Running {
    fn start(
        peer: &'static dyn Peer,
        program: &Path,
        setting: Setting,
    ) -> Result<Self, StartError> {
        let directory = TempDir::with_prefix("thirdhost-peer-")?;
        // Sessions run as somebody else, who must get at the root.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755))?;
        let root = directory.path().join("root");
        let writable = root.join(peer.writable());
        fs::create_dir_all(&writable)?;
        fs::set_permissions(&writable, Permissions::from_mode(0o777))?;
        let address = free(setting.host)?;
        let certificate = setting
            .tls
            .then(|| CertificateFiles::make(directory.path(), address.ip()))
            .transpose()?;
        let place = Place {
            directory: directory.path().to_owned(),
            root,
            address,
            third_party: setting.third_party,
            certificate: certificate.clone(),
        };
        let mut command = peer.prepare(program, &place)?;
        let log = File::create(place.directory.join(LOG))?;
        let child = command
            .current_dir(&place.directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut running = Self {
            peer,
            address,
            directory,
            greeting: String::new(),
            program: program.to_owned(),
            certificate,
            child,
        };
        running.greeting = running.greeted()?;
        Ok(running)
    }

    /// The peer it is.
    #[must_use]
    pub fn peer(&self) -> &'static dyn Peer {
        self.peer
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its certificate, if it offers TLS.
    #[must_use]
    pub fn certificate(&self) -> Option<&CertificateFiles> {
        self.certificate.as_ref()
    }

    /// The directory of [`Running::url`] on disk.
    #[must_use]
    pub fn files(&self) -> PathBuf {
        let root = self.directory.path().join("root");
        root.join(self.peer.writable())
    }

    /// The URL of a file in the directory that may be written to; the password is not in it.
    ///
    /// `scheme` is `ftp`, `ftpes` or what else the client knows.
    #[must_use]
    pub fn url(&self, scheme: &str, name: &str) -> String {
        let [user, _] = self.peer.login();
        let (address, directory) = (self.address, self.peer.writable());
        format!("{scheme}://{user}@{address}/{directory}{name}")
    }

    /// Its process; it may have children.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The processes it consists of now: itself, then its children and theirs.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        let mut found = vec![self.child.id()];
        let parents = parents();
        let mut next = 0;
        while let Some(&parent) = found.get(next) {
            let children = parents.iter().filter(|(_, of)| *of == parent);
            found.extend(children.map(|(pid, _)| pid));
            next += 1;
        }
        found
    }

    /// Its version, as the program tells it; empty if it does not.
    #[must_use]
    pub fn version(&self) -> String {
        let (said, mark) = match self.peer.version() {
            VersionTold::Greeting(mark) => (self.greeting.clone(), mark),
            VersionTold::Output { argument, mark } => {
                let mut command = Command::new(&self.program);
                let output = command.arg(argument).stdin(Stdio::null()).output();
                let said = output.map_or_else(
                    |_| Vec::new(),
                    |output| [output.stdout, output.stderr].concat(),
                );
                (String::from_utf8_lossy(&said).into_owned(), mark)
            }
        };
        let (_, behind) = said.split_once(mark).unwrap_or_default();
        let end = |c: char| c.is_whitespace() || c == ')';
        behind.split(end).next().unwrap_or_default().to_owned()
    }

    /// What it printed and logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        let read = |file: PathBuf| fs::read(file).unwrap_or_default();
        let said = read(self.directory.path().join(LOG));
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Waits for the greeting; that is all of a reply with 220.
    fn greeted(&mut self) -> Result<String, StartError> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && self.child.try_wait()?.is_none() {
            match greeting(self.address) {
                Ok(greeting) => return Ok(greeting),
                Err(_not_yet) => thread::park_timeout(STEP),
            }
        }
        Err(StartError::Silent {
            name: self.peer.name(),
            log: self.log(),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pids = self.pids();
        for &pid in &pids {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            // It may have ended by itself.
            let _gone = pid.map(|pid| kill_process(pid, Signal::KILL));
        }
        self.child.wait().ok();
        let deadline = Instant::now() + PATIENCE;
        while is_any_alive(&pids) && Instant::now() < deadline {
            thread::park_timeout(STEP);
        }
    }
}

/// A port that nobody has at this moment.
fn free(host: Ipv4Addr) -> io::Result<SocketAddr> {
    TcpListener::bind((host, 0))?.local_addr()
}

fn greeting(address: SocketAddr) -> io::Result<String> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut said = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line?;
        said.push_str(&line);
        said.push('\n');
        if line.starts_with("220 ") {
            return Ok(said);
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

fn is_any_alive(pids: &[u32]) -> bool {
    parents().iter().any(|(pid, _)| pids.contains(pid))
}

/// Every process that lives, and its parent.
fn parents() -> Vec<(u32, u32)> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let parent = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name of the program, in parentheses, may hold anything.
        let (_, behind) = stat.rsplit_once(')')?;
        let mut words = behind.split_whitespace();
        // Dead, and nobody has asked how it ended.
        words.next().filter(|state| !["Z", "X"].contains(state))?;
        words.next()?.parse().ok()
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, parent(pid)?)))
        .collect()
}

const LOG: &str = "output";

/// For a port that is taken in the very moment.
const ATTEMPTS: usize = 3;

/// Longer than any of them takes on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(20);

const STEP: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::{ALL, ThirdParty};

    /// Every peer that is installed serves, tells its version, and is gone when dropped.
    #[test]
    fn every_peer_starts_and_is_gone_when_dropped() {
        for peer in ALL {
            let setting = Setting {
                host: Ipv4Addr::new(127, 0, 0, 2),
                third_party: ThirdParty::Default,
                tls: peer.tls() != crate::peers::TlsEnd::None,
            };
            let Some(running) = start(peer, setting).unwrap() else {
                continue;
            };
            let version = running.version();
            assert!(
                version.starts_with(|c: char| c.is_ascii_digit()),
                "{peer:?}: {version:?}"
            );
            assert!(running.files().is_dir(), "{peer:?}");
            let (address, pids) = (running.address(), running.pids());
            drop(running);
            TcpStream::connect(address).expect_err("it is gone");
            assert!(!is_any_alive(&pids), "{peer:?}: {pids:?}");
        }
    }
}
