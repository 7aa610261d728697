//! The network between the hosts: one thread that reads every packet and writes it when it is due.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use tun_rs::SyncDevice;

use crate::cut::{Cuts, Fate};
use crate::host::ByHost;
use crate::line::{Entrance, Line, Parcel};
use crate::packet::Packet;
use crate::trigger::{Armed, Moment};
use crate::{Counts, Host, Options};

/// What others may change and read while it runs.
#[derive(Debug, Default)]
pub(crate) struct Shared(Mutex<State>);

/// What is behind the lock.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) cuts: Cuts,
    pub(crate) armed: Armed,
    pub(crate) counts: Counts,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The network, run by [`Emulator::run`].
pub(crate) struct Emulator {
    devices: ByHost<SyncDevice>,
    lines: ByHost<Line>,
    shared: Arc<Shared>,
    /// Readable when it is to end.
    stop: OwnedFd,
    buffer: Vec<u8>,
}

impl Emulator {
    pub(crate) fn new(
        devices: ByHost<SyncDevice>,
        options: &Options,
        shared: Arc<Shared>,
        stop: OwnedFd,
    ) -> io::Result<Self> {
        let lines = ByHost::try_with(|host| Ok::<_, io::Error>(Line::new(host, options)))?;
        Ok(Self {
            devices,
            lines,
            shared,
            stop,
            buffer: vec![0; usize::from(u16::MAX)],
        })
    }

    /// Runs until it is stopped.
    ///
    /// # Errors
    /// When the system does not let it wait any more.
    pub(crate) fn run(mut self) -> io::Result<()> {
        come_first();
        loop {
            let mut is_busy = false;
            for host in Host::ALL {
                is_busy |= self.read(host);
            }
            self.deliver();
            if !is_busy && self.wait()? {
                return Ok(());
            }
        }
    }

    /// Takes what a host has sent; whether there may be more.
    fn read(&mut self, from: Host) -> bool {
        for _ in 0..BATCH {
            let mut buffer = std::mem::take(&mut self.buffer);
            let read = self.devices.of(from).recv(&mut buffer);
            if let Some(bytes) = read.as_ref().ok().and_then(|length| buffer.get(..*length)) {
                self.take(from, bytes);
            }
            self.buffer = buffer;
            if read.is_err() {
                return false;
            }
        }
        true
    }

    fn take(&mut self, from: Host, bytes: &[u8]) {
        let now = Instant::now();
        let Some(packet) = Packet::parse(bytes) else {
            return;
        };
        let Some(to) = Host::of(packet.destination).filter(|to| *to != from) else {
            return;
        };
        let mut state = self.shared.lock();
        let State {
            cuts,
            armed,
            counts,
        } = &mut *state;
        armed.see(Moment::Sent, (from, to), bytes, cuts);
        let path = counts.path_mut(from, to);
        match (cuts.fate(from, to), packet.reset()) {
            (Fate::Passes, _) => match self.lines.of_mut(from).send(to, bytes, now) {
                Entrance::Taken => {}
                Entrance::Lost => path.lost += 1,
                Entrance::Overrun => path.overrun += 1,
            },
            (Fate::IsRefused, Some(reset)) => {
                path.refused += 1;
                self.lines.of_mut(to).speak_for(from, reset, now);
            }
            (Fate::Vanishes | Fate::IsRefused, _) => path.cut += 1,
        }
    }

    /// Hands over what is due.
    fn deliver(&mut self) {
        for from in Host::ALL {
            for to in Host::ALL {
                while let Some(parcel) = self.lines.of_mut(from).arriving(to, Instant::now()) {
                    self.hand_over(from, to, &parcel);
                }
            }
        }
    }

    fn hand_over(&self, from: Host, to: Host, parcel: &Parcel) {
        let mut state = self.shared.lock();
        let is_struck = !parcel.is_reset && state.cuts.fate(from, to) != Fate::Passes;
        if is_struck {
            state.counts.path_mut(from, to).cut += 1;
            return;
        }
        let sent = self.devices.of(to).send(&parcel.bytes);
        let path = state.counts.path_mut(from, to);
        match sent {
            Ok(_) => path.arrived(parcel.bytes.len(), parcel.due.elapsed()),
            Err(_) => path.overrun += 1,
        }
        let State { cuts, armed, .. } = &mut *state;
        armed.see(Moment::Arrived, (from, to), &parcel.bytes, cuts);
    }

    /// Waits for a packet to come or to be due; whether it is time to end.
    fn wait(&self) -> io::Result<bool> {
        let due = Host::ALL.map(|host| self.lines.of(host).next_due());
        let due = due.into_iter().flatten().min();
        let left = due.map(|due| due.saturating_duration_since(Instant::now()));
        let left = left.map(timespec);
        let [user, a, b] = Host::ALL.map(|host| self.devices.of(host).as_fd());
        let mut watched = [user, a, b, self.stop.as_fd()]
            .map(|descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN));
        match rustix::event::poll(&mut watched, left.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(watched
            .last()
            .is_some_and(|stop| !stop.revents().is_empty()))
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    }
}

/// A network that waits for its turn on the processor is another network. Where the system does
/// not let it come first, [`Counts`] tells how late it was.
fn come_first() {
    let this = rustix::thread::gettid();
    let this_thread = this.as_raw_nonzero().to_string();
    let mut realtime = Command::new("chrt");
    realtime.args(["--fifo", "--pid", PRIORITY, &this_thread]);
    let output = realtime
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !output.is_ok_and(|status| status.success()) {
        rustix::process::setpriority_process(Some(this), NICE).ok();
    }
}

/// Packets read from one host before the next has its turn.
const BATCH: usize = 64;

const PRIORITY: &str = "50";
const NICE: i32 = -20;
