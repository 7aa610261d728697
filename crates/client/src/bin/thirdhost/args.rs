//! The command line, as it is written; nothing is looked up or opened here.

// The path is told because an example includes this file from elsewhere.
#[path = "copy_args.rs"]
mod copy_args;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use thirdhost_client::{Arrangement, ExitCode, Listen, Policy, Relay, Side, Verify, Via};

pub(crate) use copy_args::CopyArgs;

/// Copies files directly between two FTP servers.
#[derive(Debug, Parser)]
#[command(name = "thirdhost", version, after_help = exit_codes())]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,

    /// How the two servers are brought together.
    #[arg(long, global = true, value_enum, default_value_t = ViaArg::Auto, help_heading = BETWEEN)]
    pub(crate) via: ViaArg,

    /// Whether the bytes go directly from server to server.
    #[arg(long, global = true, value_enum, default_value_t = ThirdPartyArg::First)]
    #[arg(help_heading = BETWEEN)]
    pub(crate) third_party: ThirdPartyArg,

    /// Never through this host: the same as --third-party only.
    #[arg(long, global = true, help_heading = BETWEEN)]
    pub(crate) no_relay: bool,

    /// Which server listens for the other.
    #[arg(long, global = true, value_enum, default_value_t = ListenArg::Auto)]
    #[arg(help_heading = BETWEEN)]
    pub(crate) listen: ListenArg,

    /// Try every way anew, and keep nothing about what worked between two servers.
    #[arg(long, global = true, help_heading = BETWEEN)]
    pub(crate) no_cache: bool,

    /// What is compared after both servers said done.
    #[arg(long, global = true, value_enum, default_value_t = VerifyArg::Auto)]
    #[arg(help_heading = BETWEEN)]
    pub(crate) verify: VerifyArg,

    /// Prints the password on its first line; THIRDHOST_SITE and THIRDHOST_USER say for whom.
    #[arg(long, global = true, value_name = "COMMAND", help_heading = LOGIN)]
    pub(crate) password_command: Option<String>,

    /// Believe the certificate of a server seen for the first time, and remember it.
    #[arg(long, global = true, help_heading = LOGIN)]
    pub(crate) accept_new: bool,

    /// Speak in clear text to ftp:// servers, though they offer TLS: passwords can be read.
    #[arg(long, global = true, help_heading = LOGIN)]
    pub(crate) clear_text: bool,

    /// Let two servers speak TLS to each other though they cannot check each other's certificate.
    #[arg(long, global = true, help_heading = BETWEEN)]
    pub(crate) unverified_peers: bool,

    /// Print errors only.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = TOLD)]
    pub(crate) quiet: bool,

    /// Print the dialogues on stderr.
    #[arg(short, long, global = true, help_heading = TOLD)]
    pub(crate) verbose: bool,

    /// Print one JSON event per line on stdout.
    #[arg(long, global = true, help_heading = TOLD)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Copy files: between two servers directly, or from or to this host.
    #[command(override_usage = "thirdhost cp [OPTIONS] <SOURCE>... <DESTINATION>")]
    #[command(after_help = AFTER_CP)]
    Cp(CopyArgs),
    /// Append a file to another: RFC 438's own command.
    #[command(after_help = MORE)]
    Append {
        /// The file that is read: a place on a server, or a file of this host.
        source: String,
        /// The file that grows: a place on a server. One that ends in `/` is a directory.
        destination: String,
    },
    /// Find out which ways there are between two servers, and what would open the others.
    ///
    /// A few bytes are copied in every way from one directory to the other, and removed.
    #[command(after_help = MORE)]
    Probe {
        /// A directory of the source, where a small file may be put for a while.
        source: String,
        /// A directory of the destination, likewise.
        destination: String,
        /// Write nothing: the ways are arranged, not used. Who may call, only a transfer shows.
        #[arg(long)]
        read_only: bool,
    },
    /// List a directory.
    #[command(after_help = MORE)]
    Ls {
        /// A directory of a server; the login directory, if there is no path.
        place: String,
    },
    /// Print a file.
    #[command(after_help = MORE)]
    Cat {
        /// A file of a server.
        place: String,
    },
    /// Fetch a file to this host.
    #[command(after_help = MORE)]
    Get {
        /// A file of a server; for a directory there is `cp -r`.
        place: String,
        /// Where to; the name it has there, in the current directory, if not told.
        file: Option<PathBuf>,
    },
    /// Store a file of this host.
    #[command(after_help = MORE)]
    Put {
        /// A file of this host; for a directory there is `cp -r`.
        file: PathBuf,
        /// Where to: a place on a server. One that ends in `/` is a directory.
        place: String,
    },
    /// Remove a file.
    #[command(after_help = MORE)]
    Rm {
        /// A file of a server.
        place: String,
    },
    /// Make a directory.
    #[command(after_help = MORE)]
    Mkdir {
        /// A place on a server; what is above it has to be there.
        place: String,
    },
    /// Rename on one server, or move between two: removed at the source once verified.
    #[command(after_help = MORE)]
    Mv {
        /// A file or directory; a file, where it moves to another host.
        source: String,
        /// Its new place. One that ends in `/` is a directory.
        destination: String,
    },
    /// Print what is known of a file or directory.
    #[command(after_help = MORE)]
    Stat {
        /// A file or directory of a server.
        place: String,
    },
    /// Servers under names of your own: `name:path` then is a place.
    #[command(subcommand)]
    Site(SiteVerb),
}

#[derive(Debug, Subcommand)]
pub(crate) enum SiteVerb {
    /// Add a site, or replace it.
    Add {
        /// What you call it: letters, digits, `-`, `_` and `.`.
        name: String,
        #[command(flatten)]
        site: SiteArgs,
    },
    /// List them.
    List,
    /// Remove a site.
    Remove {
        /// What you call it.
        name: String,
    },
}

/// What `sites.toml` is to know of a site.
#[derive(clap::Args, Debug)]
pub(crate) struct SiteArgs {
    /// `host`, `host:port` or `[address]:port`.
    pub(crate) host: String,
    /// Who logs in; anonymous, if not told.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Prints the password on its first line.
    #[arg(long = "get-password", value_name = "COMMAND")]
    pub(crate) password_command: Option<String>,
    /// Where other servers reach it, if not where we do.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) data_host: Option<std::net::IpAddr>,
    /// Pass on what it tells in a 227, though it is not its own address.
    #[arg(long)]
    pub(crate) trust_pasv_address: bool,
    /// When it is spoken to under TLS; as ftp:// if not told.
    #[arg(long, value_enum)]
    pub(crate) tls: Option<TlsArg>,
    /// The SHA-256 fingerprint of its certificate, which then has to be that one.
    #[arg(long, value_name = "HEX", conflicts_with = "ca_file")]
    pub(crate) fingerprint: Option<thirdhost_client::Fingerprint>,
    /// A PEM file of the authorities that may vouch for it, and no others.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// When a site is spoken to under TLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TlsArg {
    /// Where it offers TLS (ftp://).
    Offered,
    /// Always, by AUTH TLS (ftpes://).
    Explicit,
    /// From the first octet on, usually at port 990 (ftps://).
    Implicit,
    /// Never: passwords and files can be read on the way.
    Never,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ViaArg {
    /// Every way, the safest first.
    Auto,
    /// LSTN and SOCK (RFC 438).
    Lstn,
    /// EPSV and EPRT (RFC 2428).
    Epsv,
    /// PASV and PORT (RFC 959).
    Pasv,
    /// Through this host.
    Relay,
}

/// Whether the servers may and must meet.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ThirdPartyArg {
    /// Directly if any way is found, else through this host.
    First,
    /// Directly or not at all.
    Only,
    /// Through this host.
    Never,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ListenArg {
    /// The source.
    Source,
    /// The destination.
    Destination,
    /// The destination, else the source.
    Auto,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum VerifyArg {
    /// The size and the strongest hash, where both servers tell them.
    Auto,
    /// The strongest hash that both know, always.
    Hash,
    /// The size, always.
    Size,
    /// Nothing.
    None,
}

impl Args {
    pub(crate) fn policy(&self) -> Policy {
        let mut policy = Policy::default();
        policy.via = match self.via {
            ViaArg::Auto => Via::Auto,
            ViaArg::Lstn => Via::Only(Arrangement::Lstn),
            ViaArg::Epsv => Via::Only(Arrangement::Epsv),
            ViaArg::Pasv => Via::Only(Arrangement::Pasv),
            ViaArg::Relay => Via::Relay,
        };
        match self.third_party {
            ThirdPartyArg::First => {}
            ThirdPartyArg::Only => policy.relay = Relay::Never,
            ThirdPartyArg::Never => policy.via = Via::Relay,
        }
        if self.no_relay {
            policy.relay = Relay::Never;
        }
        policy.listen = match self.listen {
            ListenArg::Auto => Listen::Auto,
            ListenArg::Source => Listen::Only(Side::Source),
            ListenArg::Destination => Listen::Only(Side::Destination),
        };
        policy.unverified_peers = self.unverified_peers;
        policy.verify = match self.verify {
            VerifyArg::Auto => Verify::Auto,
            VerifyArg::Hash => Verify::Hash,
            VerifyArg::Size => Verify::Size,
            VerifyArg::None => Verify::None,
        };
        policy
    }
}

fn exit_codes() -> String {
    let mut text = String::from(
        "Examples:\n  \
         thirdhost cp -r ftp://alice@one.example/x ftp://bob@two.example/y\n  \
         thirdhost append ftp://alice@one.example/PROG1.PL1 ftp://bob@two.example/PROG2.PL1\n  \
         thirdhost probe ftp://alice@one.example/x ftp://bob@two.example/y\n  \
         thirdhost site add one one.example --user alice\n  \
         thirdhost ls one:x\n\n\
         A place is ftp://[user@]host[:port]/path, site:path or a local path. The path is relative \
         to the login directory; // or %2F makes it absolute. ftp:// uses TLS where the server \
         offers it (on loopback it does not ask); ftpes:// (AUTH TLS) and ftps:// (TLS from the \
         first octet on, port 990) always.\n\n\
         A certificate is believed if the system's authorities vouch for it, or if it was seen \
         before: see --accept-new. Those are in known_servers beside sites.toml.\n\n\
         Passwords, the first that answers: --password-command, THIRDHOST_PASSWORD_<SITE> (the \
         site or host in capitals, anything but letters and digits as _), the site's \
         password_command, ~/.netrc, a prompt.\n\nExit codes:\n",
    );
    for code in ExitCode::ALL {
        text.push_str(&format!("  {:3}  {}\n", code.number(), code.meaning()));
    }
    text
}

/// What belongs to transfers from server to server.
const BETWEEN: &str = "Between two servers (cp, mv, append, probe)";

const LOGIN: &str = "At every server";

const TOLD: &str = "What is told";

const MORE: &str = "`thirdhost --help` says what a place is, where passwords come from, and what \
                    the exit codes mean.";

const AFTER_CP: &str = "\
Examples:
  thirdhost cp ftp://alice@one.example/f ftp://bob@two.example/
  thirdhost cp -r --update one:x two:y
  thirdhost cp -r --continue -j 4 photos ftp://alice@one.example/photos
  thirdhost cp -n -r one:x two:y

`thirdhost --help` says what a place is, where passwords come from, and what the exit codes mean.";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed_and_help_lists_every_exit_code() {
        Args::command().debug_assert();
        let help = Args::command().render_help().to_string();
        for code in ExitCode::ALL {
            assert!(help.contains(code.meaning()), "{code:?}");
        }
    }

    #[test]
    fn options_become_the_policy() {
        let line = [
            "thirdhost",
            "cp",
            "a",
            "b",
            "--via",
            "pasv",
            "--listen",
            "source",
        ];
        let policy = Args::try_parse_from(line).unwrap().policy();
        assert_eq!(policy.via, Via::Only(Arrangement::Pasv));
        assert_eq!(policy.listen, Listen::Only(Side::Source));
        assert_eq!(policy.verify, Verify::Auto);
    }
}
