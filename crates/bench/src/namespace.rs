//! A network, processes and memory files of our own, where we may have them (root).
//!
//! In a network namespace the congestion control of loopback can be chosen: `bbr`, the default of
//! some machines, paces loopback and falsifies everything. And whatever happens to us, the
//! servers end and the files go, with the namespaces that held them.

use std::fs;
use std::process::{Command, ExitCode};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::args::Args;
use crate::failure::{Result, While};

/// Where the measurement runs.
pub(crate) enum Entered {
    /// In a process that was started for it, and that has ended.
    Elsewhere(ExitCode),
    /// Here; in these words.
    Here(String),
}

/// Starts this program again in namespaces of its own, if it may.
pub(crate) fn enter(args: &Args) -> Result<Entered> {
    raise_descriptors();
    if args.in_namespace {
        fs::write(CONGESTION_CONTROL, "reno").during(CONGESTION_CONTROL)?;
        fs::write(PORTS, "1024 65535").during(PORTS)?;
        return Ok(Entered::Here(
            "loopback of a network namespace of its own".to_owned(),
        ));
    }
    if args.here || !rustix::process::geteuid().is_root() {
        return Ok(Entered::Here("the machine's loopback, as it is".to_owned()));
    }
    let this = std::env::current_exe().during("finding this program")?;
    let status = Command::new("unshare")
        .args([
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ])
        .args(["sh", "-c", PREPARE])
        .arg(this)
        .args(std::env::args_os().skip(1))
        .arg("--in-namespace")
        .status()
        .during("unshare; without it, use --here")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(Entered::Elsewhere(ExitCode::from(code.unwrap_or(1))))
}

/// The congestion control that holds for new connections.
pub(crate) fn congestion_control() -> String {
    let told = fs::read_to_string(CONGESTION_CONTROL);
    told.map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}

/// Thousands of sessions take thousands of descriptors, at both ends.
fn raise_descriptors() {
    let most = getrlimit(Resource::Nofile).maximum.unwrap_or(DESCRIPTORS);
    let raised = [most.max(DESCRIPTORS), most].into_iter().find(|&limit| {
        let limit = Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        };
        setrlimit(Resource::Nofile, limit).is_ok()
    });
    if raised.is_none_or(|limit| limit < DESCRIPTORS) {
        eprintln!("fewer than {DESCRIPTORS} descriptors; many sessions may fail");
    }
}

/// The shell stays the first process of the namespace, for that one takes no signals.
const PREPARE: &str = "mount -t tmpfs tmpfs /dev/shm && ip link set lo up && \"$0\" \"$@\"";

const CONGESTION_CONTROL: &str = "/proc/sys/net/ipv4/tcp_congestion_control";
const PORTS: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// Enough for 10,000 sessions and what else is open.
const DESCRIPTORS: u64 = 16_384;
