//! The lab: brought up, used, and gone when dropped.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};

use crate::emulator::{Emulator, Shared};
use crate::host::ByHost;
use crate::namespace::{self, Namespace};
use crate::{Counts, Cut, Guest, Host, Link, Options, Trigger};

/// What a lab would need and has not, in words; `None` if it can be brought up.
///
/// One host is brought up to see: a container's root may have no right to namespaces.
#[must_use]
pub fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("a lab of network namespaces takes root".to_owned());
    }
    let mut ip = Command::new("ip");
    let ip = ip.arg("-V").stdout(Stdio::null()).stderr(Stdio::null());
    if ip.status().is_err() {
        return Some("a lab takes `ip` (iproute2), which is not installed".to_owned());
    }
    let device = Path::new("/dev/net/tun");
    if !device.exists() {
        return Some(format!(
            "a lab takes {}, which is not there",
            device.display()
        ));
    }
    let tried = Namespace::new(Host::User, &Options::default());
    let refused = tried.err();
    refused.map(|error| format!("this system allows no lab of network namespaces: {error}"))
}

/// Whether a lab that cannot be brought up is a failure, and no reason to leave something out:
/// where `THIRDHOST_REQUIRE_LAB` is set.
#[must_use]
pub fn is_required() -> bool {
    std::env::var_os("THIRDHOST_REQUIRE_LAB").is_some()
}

/// Three hosts with a network between them; gone when dropped.
#[derive(Debug)]
pub struct Lab {
    hosts: ByHost<Namespace>,
    shared: Arc<Shared>,
    stop: OwnedFd,
    emulator: Option<JoinHandle<()>>,
}

impl Lab {
    /// Brings it up.
    ///
    /// # Errors
    /// What the system refuses; [`missing`] says it in words.
    pub fn up(options: &Options) -> io::Result<Self> {
        let made = ByHost::try_with(|host| Namespace::new(host, options))?;
        let (hosts, devices) = made.unzip();
        let shared = Arc::new(Shared::default());
        let stop = eventfd(0, EventfdFlags::CLOEXEC)?;
        let emulator = Emulator::new(devices, options, Arc::clone(&shared), stop.try_clone()?)?;
        let run = move || {
            if let Err(error) = emulator.run() {
                eprintln!("lab: the network ended: {error}");
            }
        };
        let thread = thread::Builder::new().name("lab".to_owned());
        Ok(Self {
            hosts,
            shared,
            stop,
            emulator: Some(thread.spawn(run)?),
        })
    }

    /// What `act` gives in a host: sockets it opens and programs it starts belong to that host,
    /// for as long as they last.
    ///
    /// # Errors
    /// When the system refuses to go there. A panic of `act` goes on in the caller.
    pub fn within<T: Send>(&self, host: Host, act: impl FnOnce() -> T + Send) -> io::Result<T> {
        self.hosts.of(host).within(act)
    }

    /// Starts a program in a host.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&self, host: Host, command: &mut Command) -> io::Result<Guest> {
        Ok(Guest::new(self.within(host, || command.spawn())??))
    }

    /// Cuts a link, in the place of another cut of it.
    pub fn cut(&self, cut: Cut) {
        self.shared.lock().cuts.make(cut);
    }

    /// Cuts a link at the very packet.
    pub fn cut_when(&self, trigger: Trigger, cut: Cut) -> Fired {
        self.arm(trigger, Some(cut))
    }

    /// Tells of the packet, and lets it pass.
    pub fn watch(&self, trigger: Trigger) -> Fired {
        self.arm(trigger, None)
    }

    /// Waits for no packet any more: what [`Lab::cut_when`] was told is void if it has not fired.
    pub fn disarm(&self) {
        self.shared.lock().armed.clear();
    }

    /// Heals a link.
    pub fn heal(&self, link: Link) {
        self.shared.lock().cuts.heal(link);
    }

    /// Heals every link.
    pub fn heal_all(&self) {
        self.shared.lock().cuts.heal_all();
    }

    /// What was counted until now.
    ///
    /// # Errors
    /// When the system refuses to tell of a host.
    pub fn counts(&self) -> io::Result<Counts> {
        let mut counts = self.shared.lock().counts.clone();
        for host in Host::ALL {
            if let Some(packets) = self.within(host, namespace::unread)? {
                counts.set_unread(host, packets);
            }
        }
        Ok(counts)
    }

    fn arm(&self, trigger: Trigger, cut: Option<Cut>) -> Fired {
        let (fired, receiver) = mpsc::channel();
        self.shared.lock().armed.add(trigger, cut, fired);
        Fired(receiver)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // A counter of eight bytes; it takes a first one always.
        rustix::io::write(&self.stop, &1_u64.to_ne_bytes()).ok();
        if let Some(emulator) = self.emulator.take() {
            emulator.join().ok();
        }
    }
}

/// Tells when a trigger has fired.
#[derive(Debug)]
pub struct Fired(Receiver<Instant>);

impl Fired {
    /// Waits for it; `None` if it has not fired in time.
    #[must_use]
    pub fn wait(&self, time: Duration) -> Option<Instant> {
        self.0.recv_timeout(time).ok()
    }
}
