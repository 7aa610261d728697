//! The servers: ours, and each other one that is found, in its fastest sensible configuration.

mod gridftp;
mod ours;
mod proftpd;
mod pure_ftpd;
mod pyftpdlib;
mod vsftpd;

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use thirdhost_lab::{Host, Lab};

use crate::drive::Between;
use crate::failure::{Failure, Result, While};
use crate::load::Control;
use crate::measure::Family;
use crate::stage::Stage;
use crate::work::Subject;

/// A server that takes calls; ended when dropped.
pub(crate) struct Running {
    recipe: Recipe,
    address: SocketAddr,
    child: Child,
}

/// How one server is started, and what to know to use it.
pub(crate) struct Recipe {
    /// What it is called in the tables.
    pub(crate) name: &'static str,
    /// Its version, as it tells it.
    pub(crate) version: String,
    /// What it does that others do not, and that a reader of its numbers must know.
    pub(crate) note: &'static str,
    /// Whether it was given a certificate.
    pub(crate) has_tls: bool,
    /// Whether it has a process for each session.
    pub(crate) forks: bool,
    /// In front of every path: where the files are once logged in.
    pub(crate) home: String,
    user: &'static str,
    password: &'static str,
    command: Command,
    /// Where its words go.
    log: PathBuf,
}

/// Ours.
pub(crate) const OURS: &str = ours::NAME;

/// The one beside ours that can be the TLS client of a data connection.
pub(crate) const PROFTPD: &str = proftpd::NAME;

/// The one with a client of its own.
pub(crate) const GRIDFTP: &str = gridftp::NAME;

/// The names that can be asked for, in the order of the tables.
pub(crate) const NAMES: [&str; 6] = [
    ours::NAME,
    vsftpd::NAME,
    proftpd::NAME,
    pure_ftpd::NAME,
    pyftpdlib::NAME,
    gridftp::NAME,
];

/// Starts ours, at `binary`, and each of the others that is installed and in `only`, if that
/// names any.
pub(crate) fn start(stage: &Stage, binary: &Path, only: &[String]) -> Result<Vec<Running>> {
    let mut running = Vec::new();
    for name in wanted(only) {
        running.extend(start_one(stage, binary, name, Ipv4Addr::LOCALHOST, false)?);
    }
    Ok(running)
}

/// As [`start`], but two of each.
pub(crate) fn start_pairs(stage: &Stage, binary: &Path, only: &[String]) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for name in wanted(only) {
        let start = || start_one(stage, binary, name, Ipv4Addr::LOCALHOST, true);
        pairs.extend(Pair::new(start()?, start)?);
    }
    Ok(pairs)
}

/// As [`start_pairs`], in a lab: the sources at host a, the destinations at host b.
pub(crate) fn start_far_pairs(
    lab: &Lab,
    stage: &Stage,
    binary: &Path,
    only: &[String],
) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for name in wanted(only) {
        let at = |host: Host| {
            let start = || start_one(stage, binary, name, host.address(), true);
            lab.within(host, start).during("entering a host")?
        };
        pairs.extend(Pair::new(at(Host::A)?, || at(Host::B))?);
    }
    Ok(pairs)
}

/// Two servers of a kind, between which files go directly.
pub(crate) struct Pair {
    /// Where the files are.
    pub(crate) source: Running,
    /// Where they go.
    pub(crate) destination: Running,
}

impl Pair {
    /// From its source to its destination.
    pub(crate) fn between(&self) -> Between<'_> {
        Between {
            name: self.source.name(),
            source: &self.source,
            destination: &self.destination,
        }
    }

    /// None without a first.
    fn new(
        source: Option<Running>,
        destination: impl FnOnce() -> Result<Option<Running>>,
    ) -> Result<Option<Self>> {
        let Some(source) = source else {
            return Ok(None);
        };
        Ok(destination()?.map(|destination| Self {
            source,
            destination,
        }))
    }
}

impl Subject for Between<'_> {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl Subject for Pair {
    fn name(&self) -> &'static str {
        self.source.name()
    }
}

fn wanted(only: &[String]) -> impl Iterator<Item = &'static str> {
    let all = only.is_empty();
    NAMES
        .into_iter()
        .filter(move |name| all || only.iter().any(|wanted| wanted == name))
}

/// `None`, with a word to whoever runs us, if it is not installed or does not start.
fn start_one(
    stage: &Stage,
    binary: &Path,
    name: &'static str,
    host: Ipv4Addr,
    paired: bool,
) -> Result<Option<Running>> {
    let at = free_port(host)?;
    let recipe = match name {
        ours::NAME => Some(ours::recipe(stage, binary, at)?),
        vsftpd::NAME => vsftpd::recipe(stage, at)?,
        proftpd::NAME => proftpd::recipe(stage, at, paired)?,
        pure_ftpd::NAME => pure_ftpd::recipe(stage, at)?,
        pyftpdlib::NAME => pyftpdlib::recipe(stage, at)?,
        _ => gridftp::recipe(stage, at)?,
    };
    let Some(recipe) = recipe else {
        eprintln!("{name} is not installed; left out");
        return Ok(None);
    };
    match Running::start(recipe, at) {
        Err(failure) if name != ours::NAME => {
            eprintln!("left out: {failure}");
            Ok(None)
        }
        started => started.map(Some),
    }
}

impl Running {
    fn start(mut recipe: Recipe, address: SocketAddr) -> Result<Self> {
        let log = File::create(&recipe.log).during(recipe.log.display())?;
        let command = recipe.command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(log).spawn().during(recipe.name)?;
        let mut running = Self {
            recipe,
            address,
            child,
        };
        running.wait()?;
        Ok(running)
    }

    /// What it was started by.
    pub(crate) fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Where it is, with who logs in, for clients that are given a URL.
    pub(crate) fn url(&self, file: &str) -> String {
        let Recipe { user, password, .. } = &self.recipe;
        let password = password.replace('@', "%40");
        let (address, path) = (self.address, self.path(file));
        format!("ftp://{user}:{password}@{address}/{path}")
    }

    /// The path of a file, as this server's users give it.
    pub(crate) fn path(&self, file: &str) -> String {
        format!("{}{file}", self.recipe.home)
    }

    /// A session that is logged in.
    pub(crate) fn log_in(&self) -> Result<Control> {
        let mut control = Control::call(self.address).during(self.name())?;
        let recipe = &self.recipe;
        let logged_in = control.log_in(recipe.user, recipe.password);
        logged_in.during(recipe.name)?;
        Ok(control)
    }

    /// A session that is logged in for transfers in binary, under TLS or not.
    pub(crate) fn session(&self, stage: &Stage, sealed: bool) -> Result<Control> {
        let mut control = Control::call(self.address).during(self.name())?;
        if sealed {
            control = control.seal(&stage.secret).during(self.name())?;
        }
        let recipe = &self.recipe;
        let logged_in = control.log_in(recipe.user, recipe.password);
        logged_in.during(recipe.name)?;
        control.done("TYPE I").during(recipe.name)?;
        Ok(control)
    }

    /// All its processes.
    pub(crate) fn family(&self) -> Family {
        Family::of(self.child.id())
    }

    /// Waits until it takes calls.
    fn wait(&mut self) -> Result<()> {
        let since = Instant::now();
        loop {
            if Control::call(self.address).is_ok() {
                return Ok(());
            }
            let ended = self.child.try_wait().during(self.recipe.name)?;
            if let Some(status) = ended {
                let words = std::fs::read_to_string(&self.recipe.log).unwrap_or_default();
                let name = self.recipe.name;
                return Err(Failure::new(format!("{name} ended ({status}): {words}")));
            }
            if since.elapsed() > START_TIME_MAX {
                let name = self.recipe.name;
                return Err(Failure::new(format!("{name} does not take calls")));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Subject for Running {
    fn name(&self) -> &'static str {
        self.recipe.name
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Asked first: a server that forks ends its children itself.
        let pid = i32::try_from(self.child.id()).unwrap_or(i32::MAX);
        if let Some(pid) = rustix::process::Pid::from_raw(pid) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        }
        let since = Instant::now();
        while since.elapsed() < END_TIME_MAX {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Finds a program where `THIRDHOST_PEERS` says that servers are kept, on the path, and where
/// daemons usually are.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let kept = std::env::var_os("THIRDHOST_PEERS").unwrap_or_else(|| PEERS.into());
    let kept = ["usr/sbin", "usr/bin"].map(|part| Path::new(&kept).join(part));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    let all = kept.into_iter().chain(std::env::split_paths(&path));
    let mut files = all.chain(usual).map(|directory| directory.join(program));
    files.find(|file| file.is_file())
}

/// What a program says of its version, on one line.
fn version(program: &Path, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    let Ok(output) = output else {
        return "version not told".to_owned();
    };
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    let line = told
        .lines()
        .find(|line| line.contains(|c: char| c.is_ascii_digit()));
    line.unwrap_or("version not told").trim().to_owned()
}

/// A place that nobody listens at; nobody else is in our network namespace.
fn free_port(host: Ipv4Addr) -> Result<SocketAddr> {
    let listener = TcpListener::bind((host, 0)).during("finding a port")?;
    listener.local_addr().during("finding a port")
}

/// Where servers are kept that cannot be installed side by side, unless `THIRDHOST_PEERS` says.
const PEERS: &str = "/opt/thirdhost-peers";

/// Who logs in where anonymous does not.
const USER: &str = "bench";
const PASSWORD: &str = "bench-secret";

/// `PASSWORD` as crypt(3) keeps it: SHA-512, in its usual 5,000 rounds.
const CRYPTED: &str = "$6$benchmark$LQgQZprSJd5zvOO6EmTpzS.cRPgBBMgCRbCg3\
    TefYlKckI0853DqVtIOYoISO5rYj3QiYWbNGwKVgLmtT8PCu0";

const START_TIME_MAX: Duration = Duration::from_secs(20);
const END_TIME_MAX: Duration = Duration::from_secs(3);
