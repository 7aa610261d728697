//! A thirdhostd that runs, and someone who talks FTP to it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// The binary, ready to be given arguments.
pub(crate) fn thirdhostd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thirdhostd"));
    command.env_remove("RUST_LOG");
    command
}

/// Runs to its end, with `input` on stdin.
pub(crate) fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// A site on disk: a configuration, users, and a root with a home.
pub(crate) struct Site {
    directory: tempfile::TempDir,
}

impl Site {
    /// A site with the user alice (password "secret"), who may do everything, and whose
    /// `third_party` is as given.
    pub(crate) fn new(configuration: &str, third_party: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let site = Self { directory };
        fs::create_dir_all(site.path("root/alice")).unwrap();
        fs::create_dir(site.path("etc")).unwrap();
        let set = run(
            thirdhostd()
                .args(["user", "set", "alice", "--users"])
                .arg(site.path("etc/users.toml")),
            "secret\n",
        );
        assert!(set.status.success(), "{set:?}");
        site.grant(third_party);
        site.configure(configuration);
        site
    }

    /// Writes the configuration: what every site has, and `more`.
    pub(crate) fn configure(&self, more: &str) {
        let text = format!(
            "listen = [\"127.0.0.1:0\"]\nroot = \"../root\"\nusers = \"users.toml\"\n{more}"
        );
        fs::write(self.configuration(), text).unwrap();
    }

    /// Gives alice this value of `third_party`; an empty one is none.
    pub(crate) fn grant(&self, third_party: &str) {
        let users = self.path("etc/users.toml");
        let written = fs::read_to_string(&users).unwrap();
        let kept = written
            .lines()
            .filter(|line| !line.starts_with("third_party") && !line.starts_with("permissions"));
        let mut text: String = kept.flat_map(|line| [line, "\n"]).collect();
        text.push_str(
            "permissions = [\"read\", \"write\", \"append\", \"delete\", \"rename\", \"mkdir\"]\n",
        );
        if !third_party.is_empty() {
            text.push_str(&format!("third_party = {third_party}\n"));
        }
        fs::write(users, text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.path("etc/thirdhostd.toml")
    }

    /// Starts the server and waits until it listens.
    pub(crate) fn start(&self, arguments: &[&str]) -> Daemon {
        let mut command = thirdhostd();
        command
            .arg("--config")
            .arg(self.configuration())
            .args(arguments);
        Daemon::start(command)
    }
}

/// A running server. Dropping it kills it.
pub(crate) struct Daemon {
    child: Child,
    stdout: BufReader<ChildStdout>,
    log: Receiver<String>,
    /// Where it listens first.
    pub(crate) address: SocketAddr,
}

impl Daemon {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null());
        Self::start_with_stdin(command)
    }

    /// Starts it with the stdin that the command already has.
    pub(crate) fn start_with_stdin(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, log) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Some(address) = line.trim_end().strip_prefix("listening on ") else {
            let rest: Vec<String> = log.iter().collect();
            panic!("no address: {line:?} {rest:?}");
        };
        let address = address.parse().unwrap();
        Self {
            child,
            stdout,
            log,
            address,
        }
    }

    /// The next line on stdout.
    pub(crate) fn say(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Waits for the first line of the log that holds `text`.
    pub(crate) fn logged(&self, text: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match self.log.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => seen.push(line),
                Err(_) => panic!("{text:?} was not logged, but: {seen:#?}"),
            }
        }
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end; its exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Someone who is logged in as alice.
    pub(crate) fn alice(&self) -> User {
        let mut user = User::connect(self.address);
        user.command("USER alice", "331");
        user.command("PASS secret", "230");
        user.command("TYPE I", "200");
        user
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// A control connection.
pub(crate) struct User {
    control: BufReader<TcpStream>,
}

impl User {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::connect_to_be_told(address, "220")
    }

    /// Connects; the first reply has to begin with `code`.
    pub(crate) fn connect_to_be_told(address: SocketAddr, code: &str) -> Self {
        let control = TcpStream::connect(address).unwrap();
        control.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut user = Self {
            control: BufReader::new(control),
        };
        user.expect(code);
        user
    }

    /// Sends a command; its reply has to begin with `code`.
    pub(crate) fn command(&mut self, command: &str, code: &str) -> String {
        let line = format!("{command}\r\n");
        self.control.get_mut().write_all(line.as_bytes()).unwrap();
        self.expect(code)
    }

    /// The next reply; it has to begin with `code`.
    pub(crate) fn expect(&mut self, code: &str) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            self.control.read_line(&mut line).unwrap();
            reply.push_str(&line);
            if line.is_empty() || line.get(3..4) == Some(" ") {
                assert!(line.starts_with(code), "expected {code}: {reply:?}");
                return reply;
            }
        }
    }

    /// EPSV, and a connection to what it told.
    pub(crate) fn passive(&mut self) -> TcpStream {
        let reply = self.command("EPSV", "229");
        let port = reply.split('|').nth(3).unwrap().parse().unwrap();
        let host = self.control.get_ref().peer_addr().unwrap().ip();
        TcpStream::connect((host, port)).unwrap()
    }

    /// STOR over EPSV.
    pub(crate) fn store(&mut self, name: &str, content: &[u8]) {
        let mut connection = self.passive();
        self.command(&format!("STOR {name}"), "150");
        connection.write_all(content).unwrap();
        drop(connection);
        self.expect("226");
    }

    /// RETR over EPSV.
    pub(crate) fn retrieve(&mut self, name: &str) -> Vec<u8> {
        let mut connection = self.passive();
        self.command(&format!("RETR {name}"), "150");
        let mut content = Vec::new();
        connection.read_to_end(&mut content).unwrap();
        // The server waits for our end before it says 226.
        drop(connection);
        self.expect("226");
        content
    }
}

/// A third host: another address of loopback, and the EPRT that names it.
pub(crate) fn third_host() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("EPRT |1|127.0.0.2|{port}|"))
}

/// The text of a file that is there.
pub(crate) fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// How long a test waits for what has to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
