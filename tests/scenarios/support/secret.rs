//! The binary thirdhostd under TLS, and somebody with the binary thirdhost.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use super::site::SECRET;
use super::thirdhostd::{self, Thirdhostd};

/// A thirdhostd with a certificate of its own.
pub(crate) struct Server {
    pub(crate) daemon: Thirdhostd,
    pub(crate) implicit: u16,
    pub(crate) fingerprint: String,
    pub(crate) root: TempDir,
    pub(crate) tls: TempDir,
}

impl Server {
    /// At `host`, with more lines for the table `[tls]`.
    pub(crate) fn start(host: &str, tls: &str) -> Self {
        let address = SocketAddr::new(host.parse().unwrap(), 0);
        Self::over(tempfile::tempdir().unwrap(), address, tls)
    }

    /// Another in its place, with a new certificate.
    pub(crate) fn replaced(self) -> Self {
        let Self { daemon, root, .. } = self;
        let address = daemon.address;
        drop(daemon);
        Self::over(root, address, "")
    }

    fn over(root: TempDir, address: SocketAddr, more: &str) -> Self {
        let host = address.ip().to_string();
        let tls = tempfile::tempdir().unwrap();
        let out = tls.path().to_str().unwrap();
        let made = ["tls", "self-signed", "--out", out, "--name", &host];
        let made = thirdhostd::run(&made, "");
        let printed = String::from_utf8(made.stdout).unwrap();
        let fingerprint = printed.trim().strip_prefix("SHA-256 ").unwrap().to_owned();
        let file = tls.path().join("thirdhostd.toml");
        let text = format!(
            "listen = [\"{address}\"]\nroot = {:?}\n[tls]\ncertificate = \"server.pem\"\n\
             key = \"server.key\"\nimplicit_listen = [\"{host}:0\"]\n{more}\n\
             [[user]]\nname = \"alice\"\npassword = \"{SECRET}\"\nhome = \".\"\n\
             permissions = [\"read\", \"write\", \"append\", \"delete\", \"rename\", \"mkdir\"]\n\
             third_party = {{ send_to = [\"127.0.0.0/8\"], receive_from = [\"127.0.0.0/8\"] }}\n",
            root.path()
        );
        fs::write(&file, text).unwrap();
        let daemon = Thirdhostd::start(&[Path::new("--config"), &file]);
        let implicit = daemon.next_address().port();
        Self {
            daemon,
            implicit,
            fingerprint,
            root,
            tls,
        }
    }

    pub(crate) fn place(&self, scheme: &str, name: &str) -> String {
        let port = match scheme {
            "ftps" => self.implicit,
            _ => self.daemon.address.port(),
        };
        let host = self.daemon.address.ip();
        format!("{scheme}://alice@{host}:{port}/{name}")
    }
}

/// Somebody with a directory and a configuration of their own.
pub(crate) struct User {
    pub(crate) directory: TempDir,
}

impl User {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn put(&self, name: &str, octets: &[u8]) {
        let file = self.directory.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, octets).unwrap();
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        thirdhostd::client()
            .args(arguments)
            .current_dir(self.directory.path())
            .env("XDG_CONFIG_HOME", self.directory.path().join("config"))
            .env("XDG_CACHE_HOME", self.directory.path().join("cache"))
            .envs(PASSWORDS.map(|name| (format!("THIRDHOST_PASSWORD_{name}"), "secret")))
            .output()
            .unwrap()
    }
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Hosts and sites of the scenarios under TLS.
const PASSWORDS: [&str; 6] = [
    "127_0_0_1",
    "127_0_0_2",
    "127_0_0_3",
    "PINNED",
    "VOUCHED",
    "WRONG",
];
