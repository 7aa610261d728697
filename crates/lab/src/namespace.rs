//! A network namespace without a name: it lasts as long as somebody holds or uses it.

use std::fs::{self, File};
use std::io;
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};
use tun_rs::{DeviceBuilder, SyncDevice};

use crate::host::PREFIX;
use crate::{Host, Options};

/// The network of one host.
#[derive(Debug)]
pub(crate) struct Namespace(File);

impl Namespace {
    /// Makes one with the host's interface; returns the far end of that as well.
    ///
    /// # Errors
    /// What the system or `ip` refuses, named.
    pub(crate) fn new(host: Host, options: &Options) -> io::Result<(Self, SyncDevice)> {
        let made = thread::scope(|scope| scope.spawn(|| Self::make(host, options)).join());
        made.map_err(|_| io::Error::other("the thread of a host failed"))?
    }

    /// What `act` gives in this network: sockets it opens and programs it starts belong to it.
    ///
    /// # Errors
    /// When the system refuses to enter it. A panic of `act` goes on in the caller.
    pub(crate) fn within<T: Send>(&self, act: impl FnOnce() -> T + Send) -> io::Result<T> {
        let entered = || -> io::Result<T> {
            setns(&self.0, CloneFlags::CLONE_NEWNET)?;
            Ok(act())
        };
        let joined = thread::scope(|scope| scope.spawn(entered).join());
        joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn make(host: Host, options: &Options) -> io::Result<(Self, SyncDevice)> {
        let during = |step: &'static str| {
            move |error: io::Error| io::Error::new(error.kind(), format!("{step}: {error}"))
        };
        unshare(CloneFlags::CLONE_NEWNET).map_err(|error| during("unshare")(error.into()))?;
        let namespace = Self(File::open(OWN)?);
        for (setting, value) in SETTINGS {
            // A kernel without IPv6 has no switch to turn it off.
            fs::write(setting, value).ok();
        }
        if let Some(name) = &options.congestion_control {
            fs::write(CONGESTION_CONTROL, name).map_err(during(CONGESTION_CONTROL))?;
        }
        let mut up = Command::new("ip");
        let up = up.args(["link", "set", "lo", "up"]).status();
        let up = up.map_err(during("ip"))?;
        if !up.success() {
            return Err(io::Error::other(format!("ip link set lo up: {up}")));
        }
        let device = DeviceBuilder::new()
            .name("wan0")
            .ipv4(host.address(), PREFIX, None)
            .mtu(options.mtu)
            .tx_queue_len(QUEUE_PACKETS)
            .build_sync()
            .map_err(during("a TUN device"))?;
        device.set_nonblocking(true)?;
        Ok((namespace, device))
    }
}

/// How many packets the host has sent that its interface had no room for.
pub(crate) fn unread() -> Option<u64> {
    let text = fs::read_to_string("/proc/thread-self/net/dev").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("wan0:"))?;
    // Eight columns of what was received, then bytes, packets, errs and drop.
    line.split_whitespace().nth(11)?.parse().ok()
}

const OWN: &str = "/proc/thread-self/ns/net";
const CONGESTION_CONTROL: &str = "/proc/sys/net/ipv4/tcp_congestion_control";

/// No packets but those of programs, and no run that profits from an earlier one.
const SETTINGS: [(&str, &str); 3] = [
    ("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"),
    ("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"),
    ("/proc/sys/net/ipv4/tcp_no_metrics_save", "1"),
];

/// What a host may send while the emulator is busy with another.
const QUEUE_PACKETS: u32 = 20_000;
