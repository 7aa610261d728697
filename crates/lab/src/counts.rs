//! What the emulator counted: without it, nobody knows whether a measurement was one of the
//! network asked for.

use std::fmt;
use std::time::Duration;

use crate::Host;
use crate::host::ByHost;

/// What was counted since the lab is up.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    paths: ByHost<ByHost<PathCounts>>,
    /// Packets that a host sent faster than they were read, by host.
    unread: ByHost<u64>,
}

/// What was counted from one host to another.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PathCounts {
    /// Packets that arrived.
    pub packets: u64,
    /// Their bytes, with the headers of IP and TCP.
    pub bytes: u64,
    /// Packets lost by a throw.
    pub lost: u64,
    /// Packets that found the queue before the line full.
    pub overrun: u64,
    /// Packets that a cut swallowed.
    pub cut: u64,
    /// Packets answered by a reset.
    pub refused: u64,
    /// Packets that arrived more than a millisecond after they were due.
    pub late: u64,
    /// How late the latest was.
    pub latest: Duration,
}

impl Counts {
    /// From one host to another.
    #[must_use]
    pub fn path(&self, from: Host, to: Host) -> PathCounts {
        *self.paths.of(from).of(to)
    }

    /// Packets that this host sent faster than they were read: a measurement with any is not one
    /// of the network asked for.
    #[must_use]
    pub fn unread(&self, host: Host) -> u64 {
        *self.unread.of(host)
    }

    /// Packets that arrived more than a millisecond after they were due, on all paths.
    #[must_use]
    pub fn late(&self) -> u64 {
        self.all().map(|(_, _, path)| path.late).sum()
    }

    pub(crate) fn path_mut(&mut self, from: Host, to: Host) -> &mut PathCounts {
        self.paths.of_mut(from).of_mut(to)
    }

    pub(crate) fn set_unread(&mut self, host: Host, packets: u64) {
        *self.unread.of_mut(host) = packets;
    }

    fn all(&self) -> impl Iterator<Item = (Host, Host, PathCounts)> {
        let to_all = |from| Host::ALL.map(|to| (from, to, self.path(from, to)));
        Host::ALL.into_iter().flat_map(to_all)
    }
}

impl PathCounts {
    /// Notes a packet of `bytes` that arrived so much after it was due.
    pub(crate) fn arrived(&mut self, bytes: usize, late: Duration) {
        self.packets += 1;
        self.bytes += bytes as u64;
        self.late += u64::from(late > LATE);
        self.latest = self.latest.max(late);
    }
}

impl fmt::Display for Counts {
    /// A line for each path that saw a packet, and for each host that was not read fast enough.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (from, to, path) in self.all() {
            if path != PathCounts::default() {
                writeln!(f, "{from} -> {to}: {path}")?;
            }
        }
        for host in Host::ALL {
            let unread = self.unread(host);
            if unread > 0 {
                writeln!(f, "{host}: {unread} packets were not read in time")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for PathCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} packets, {} bytes", self.packets, self.bytes)?;
        let rest = [
            (self.lost, "lost"),
            (self.overrun, "overrun"),
            (self.cut, "cut"),
            (self.refused, "refused"),
            (self.late, "late"),
        ];
        for (count, what) in rest.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        write!(f, "; at most {} us late", self.latest.as_micros())
    }
}

/// From when on a packet counts as late.
const LATE: Duration = Duration::from_millis(1);
