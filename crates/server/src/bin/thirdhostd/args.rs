//! The command line of thirdhostd.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// An FTP server in which files move directly between two hosts, as RFC 438 has it.
///
/// Without a configuration file it serves the current directory, or DIR, read-only to anonymous
/// on 127.0.0.1:2121. A configuration file may set much more.
#[derive(Debug, Parser)]
#[command(name = "thirdhostd", version, after_help = AFTER, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Check the configuration, print what deserves a second look, and stop
    #[arg(long)]
    pub(crate) check: bool,
    /// Do not start unless the kernel confines the server to its files (Landlock) and to the system
    /// calls of a file server (seccomp)
    #[arg(long)]
    pub(crate) require_sandbox: bool,
    #[command(subcommand)]
    pub(crate) task: Option<Task>,
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Source {
    /// Read the configuration from FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Listen on ADDR, an IP address and a port, in place of the configured addresses; may be
    /// given more than once; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) listen: Vec<SocketAddr>,
    /// Serve what lies beneath DIR, in place of the configured root
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
}

/// Something other than serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Print the effective configuration, each value with its origin; never a password
    Explain(Source),
    /// Try from inside what the confinement of the server lets through
    ///
    /// Confines itself as the server of this configuration would, then tries to read, write and
    /// call where it must not, to start a program, to trace a process and much more: a line for
    /// each, `passed` or `FAILED`. Nothing is changed outside a temporary directory, and nobody is
    /// served.
    #[command(after_help = AFTER_SANDBOX)]
    Sandbox(SandboxTask),
    /// Look after users
    #[command(subcommand)]
    User(UserTask),
    /// Make what TLS needs
    #[command(subcommand)]
    Tls(TlsTask),
}

/// Something to do with the confinement.
#[derive(Clone, Debug, Parser)]
pub(crate) struct SandboxTask {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Try all of it
    #[arg(long, required = true)]
    pub(crate) check: bool,
}

/// Something to do with TLS.
#[derive(Debug, Subcommand)]
pub(crate) enum TlsTask {
    /// Write a self-signed certificate and its key, for a first try
    ///
    /// DIR gets server.pem and server.key (mode 600); files that are there stay as they are.
    SelfSigned {
        /// The directory; made if missing
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// A host name or IP address the certificate is for; may be given more than once;
        /// localhost without
        #[arg(long = "name", value_name = "HOST")]
        names: Vec<String>,
    },
}

/// Something to do with users.
#[derive(Debug, Subcommand)]
pub(crate) enum UserTask {
    /// Give a user a password, asked for on the terminal or read as one line from stdin
    ///
    /// A user who is not in the file yet is added: read only, with a home named after the user,
    /// which is not made. Whatever else the user is to have is written into the file by hand. The
    /// password is kept as an argon2id hash. The rest of the file stays as it is.
    #[command(after_help = AFTER_SET)]
    Set {
        /// Who
        name: String,
        /// The users file; made if missing
        #[arg(long, value_name = "FILE")]
        users: PathBuf,
    },
    /// Take a user out of the file; the rest of it and the user's files stay as they are
    Remove {
        /// Who
        name: String,
        /// The users file
        #[arg(long, value_name = "FILE")]
        users: PathBuf,
    },
    /// List the users in the file, with what they may do
    ///
    /// A line for each, parted by tabs: name, home beneath the root, what logs in (password,
    /// certificate), permissions outside [[user.path]], and whether third hosts may be met.
    List {
        /// The users file
        #[arg(long, value_name = "FILE")]
        users: PathBuf,
    },
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let expected = "expected an IP address and a port such as 127.0.0.1:2121 or [::1]:2121";
    text.parse().map_err(|_| expected)
}

const AFTER: &str = "\
Examples:
  thirdhostd --root /srv/ftp
  thirdhostd --config /etc/thirdhost/thirdhostd.toml
  thirdhostd --config /etc/thirdhost/thirdhostd.toml --check
  thirdhostd sandbox --check --config /etc/thirdhost/thirdhostd.toml
  thirdhostd explain --config /etc/thirdhost/thirdhostd.toml
  thirdhostd user set alice --users /etc/thirdhost/users.toml
  thirdhostd tls self-signed --out /etc/thirdhost

Prints `listening on ADDR` on stdout for each address, then `metrics on ADDR` if metrics are
configured; logs go to stderr, as [log] and RUST_LOG say.
Signals: SIGTERM and SIGINT let running transfers finish, then stop; SIGHUP reads the
configuration, the users and the certificate again, says what waits for a restart, and opens the
xferlog anew. Under systemd it takes over the sockets it is given.
Exit codes: 0 done, 2 bad usage or configuration; of `sandbox --check`: 1 when a line says FAILED.";

const AFTER_SANDBOX: &str = "\
Example:
  sudo -u thirdhost thirdhostd sandbox --check --config /etc/thirdhost/thirdhostd.toml

Exit codes: 0 all that has to be refused is refused, and what the server needs works; 1 a line says
FAILED; 2 bad usage or configuration, or nothing could be tried.";

const AFTER_SET: &str = "\
Examples:
  thirdhostd user set alice --users /etc/thirdhost/users.toml
  pwgen 20 1 | thirdhostd user set alice --users /etc/thirdhost/users.toml";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn serving_and_setting_users_do_not_mix() {
        let parse = |line: &str| Args::try_parse_from(line.split(' '));
        let args = parse("thirdhostd --listen 127.0.0.1:0 --listen [::1]:0 --root /srv").unwrap();
        assert_eq!(args.source.listen.len(), 2);
        assert!(
            parse("thirdhostd user set alice --users users.toml")
                .unwrap()
                .task
                .is_some()
        );
        for line in [
            "thirdhostd --listen localhost",
            "thirdhostd --listen 127.0.0.1",
            "thirdhostd serve",
            "thirdhostd user set alice",
            "thirdhostd user set --users users.toml",
            "thirdhostd sandbox",
            "thirdhostd --check user set alice --users users.toml",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
