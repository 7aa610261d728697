//! The real binary: a certificate for a first try, and a new one at SIGHUP.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use super::user::User;

#[tokio::test(flavor = "multi_thread")]
async fn a_self_signed_pair_is_written_once_and_served() {
    let directory = tempfile::tempdir().unwrap();
    let first = self_sign(directory.path(), "etc");
    assert!(first.status.success(), "{first:?}");
    let printed = String::from_utf8(first.stdout).unwrap();
    let fingerprint = printed.trim().strip_prefix("SHA-256 ").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = std::fs::metadata(directory.path().join("etc/server.key")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }
    let again = self_sign(directory.path(), "etc");
    assert_eq!(again.status.code(), Some(2), "never over a key");
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(said.contains("server.key: there already"), "{said}");

    let served = Served::start(directory.path());
    let user = User::log_in_anonymous(served.at).await;
    assert_eq!(user.seen.fingerprint(), fingerprint);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn sighup_brings_the_new_certificate_and_keeps_sessions() {
    let directory = tempfile::tempdir().unwrap();
    assert!(self_sign(directory.path(), "etc").status.success());
    let served = Served::start(directory.path());
    let mut old = User::log_in_anonymous(served.at).await;
    let before = old.seen.fingerprint();

    assert!(self_sign(directory.path(), "next").status.success());
    for name in ["server.pem", "server.key"] {
        let path = directory.path();
        std::fs::rename(path.join("next").join(name), path.join("etc").join(name)).unwrap();
    }
    let pid = served.process.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-HUP", &pid])
            .status()
            .unwrap()
            .success()
    );
    let renewed = async {
        while User::log_in_anonymous(served.at).await.seen.fingerprint() == before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), renewed)
        .await
        .unwrap();
    old.expect("NOOP", "200").await;
}

/// A running thirdhostd; dropping it kills it.
struct Served {
    process: Child,
    at: SocketAddr,
}

impl Served {
    fn start(directory: &Path) -> Self {
        let config = directory.join("thirdhostd.toml");
        std::fs::write(
            &config,
            "listen = [\"127.0.0.1:0\"]\nroot = \".\"\n[anonymous]\n[tls]\n\
             certificate = \"etc/server.pem\"\nkey = \"etc/server.key\"\n",
        )
        .unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_thirdhostd"))
            .arg("--config")
            .arg(&config)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let at = line.trim().strip_prefix("listening on ").unwrap();
        let at = at.parse().unwrap();
        Self { process, at }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn self_sign(directory: &Path, out: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thirdhostd"))
        .args(["tls", "self-signed", "--out"])
        .arg(directory.join(out))
        .output()
        .unwrap()
}
