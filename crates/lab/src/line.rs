//! What lies between a host and the others: its line, with loss and bandwidth, and what is under
//! way to each of them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::host::ByHost;
use crate::{Host, Link, Options};

/// A host's line towards the network.
#[derive(Debug)]
pub(crate) struct Line {
    delays: ByHost<Duration>,
    under_way: ByHost<VecDeque<Parcel>>,
    rate: Option<Rate>,
    loss: f64,
    throws: StdRng,
    /// When it is idle.
    free_at: Instant,
}

/// A packet under way.
#[derive(Debug)]
pub(crate) struct Parcel {
    /// When it arrives.
    pub(crate) due: Instant,
    pub(crate) bytes: Vec<u8>,
    /// Whether it is the network's own word, which no cut strikes.
    pub(crate) is_reset: bool,
}

/// What became of a packet at the entrance.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Entrance {
    /// It is under way.
    Taken,
    /// The throw was against it.
    Lost,
    /// The queue was full.
    Overrun,
}

#[derive(Clone, Copy, Debug)]
struct Rate {
    bits_per_second: u64,
    queue: Duration,
}

impl Line {
    pub(crate) fn new(host: Host, options: &Options) -> Self {
        let delay_to = |to| {
            let link = Link::between(host, to);
            link.map_or(Duration::ZERO, |link| options.delay_of(link))
        };
        let mut delays = ByHost::default();
        for to in Host::ALL {
            *delays.of_mut(to) = delay_to(to);
        }
        let rate = options.bits_per_second.map(|bits_per_second| Rate {
            bits_per_second,
            queue: time_for(options.queue_bytes(bits_per_second), bits_per_second),
        });
        // Each line has throws of its own: what one host sends does not shift the other's.
        let seed = options.seed.wrapping_mul(HOSTS_MAX) + u64::from(host.address().octets()[3]);
        Self {
            delays,
            under_way: ByHost::default(),
            rate,
            loss: options.loss.clamp(0.0, 1.0),
            throws: StdRng::seed_from_u64(seed),
            free_at: Instant::now(),
        }
    }

    /// A packet is sent to a host.
    pub(crate) fn send(&mut self, to: Host, bytes: &[u8], now: Instant) -> Entrance {
        if self.loss > 0.0 && self.throws.random_bool(self.loss) {
            return Entrance::Lost;
        }
        let mut leaves = now;
        if let Some(rate) = self.rate {
            let begins = self.free_at.max(now);
            if begins.duration_since(now) > rate.queue {
                return Entrance::Overrun;
            }
            let bytes = bytes.len() as u64 + FRAME_BYTES;
            leaves = begins + time_for(bytes, rate.bits_per_second);
            self.free_at = leaves;
        }
        if self.under_way.of(to).len() >= UNDER_WAY_MAX {
            return Entrance::Overrun;
        }
        let due = leaves + *self.delays.of(to);
        self.push(to, due, bytes.to_vec(), false);
        Entrance::Taken
    }

    /// The network itself says something, as if this host had said it.
    pub(crate) fn speak_for(&mut self, to: Host, bytes: Vec<u8>, now: Instant) {
        let due = now + *self.delays.of(to);
        // In order: it does not overtake what was sent before.
        let last = self.under_way.of(to).back().map(|parcel| parcel.due);
        self.push(to, last.map_or(due, |last| last.max(due)), bytes, true);
    }

    /// The next packet to a host that is due.
    pub(crate) fn arriving(&mut self, to: Host, now: Instant) -> Option<Parcel> {
        let queue = self.under_way.of_mut(to);
        queue.pop_front_if(|parcel| parcel.due <= now)
    }

    /// When the next packet arrives anywhere.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let fronts = Host::ALL.into_iter().filter_map(|to| {
            let parcel = self.under_way.of(to).front()?;
            Some(parcel.due)
        });
        fronts.min()
    }

    fn push(&mut self, to: Host, due: Instant, bytes: Vec<u8>, is_reset: bool) {
        self.under_way.of_mut(to).push_back(Parcel {
            due,
            bytes,
            is_reset,
        });
    }
}

fn time_for(bytes: u64, bits_per_second: u64) -> Duration {
    let nanos = u128::from(bytes) * 8 * 1_000_000_000 / u128::from(bits_per_second.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// What Ethernet adds to a packet: header, checksum, preamble and gap.
const FRAME_BYTES: u64 = 38;

/// What is under way on one path, so that a host that floods does not take the memory.
const UNDER_WAY_MAX: usize = 200_000;

const HOSTS_MAX: u64 = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_leave_a_narrow_line_one_behind_the_other() {
        let options = Options {
            delay: Duration::from_millis(10),
            bits_per_second: Some(8_000_000),
            queue_bytes: Some(2_000),
            ..Options::default()
        };
        let mut line = Line::new(Host::User, &options);
        let now = Instant::now();
        let packet = [0; 962];
        let taken = [(); 5].map(|()| line.send(Host::A, &packet, now));
        assert_eq!(taken[..3], [Entrance::Taken; 3]);
        assert_eq!(taken[3..], [Entrance::Overrun; 2]);
        assert_eq!(line.next_due(), Some(now + Duration::from_millis(11)));
        assert!(line.arriving(Host::A, now).is_none());
        for millis in [11, 12, 13] {
            let parcel = line.arriving(Host::A, now + Duration::from_millis(millis));
            assert_eq!(parcel.unwrap().bytes, packet);
        }
    }

    #[test]
    fn the_same_seed_loses_the_same_packets() {
        let lost = |seed| {
            let options = Options {
                loss: 0.25,
                seed,
                ..Options::default()
            };
            let mut line = Line::new(Host::A, &options);
            let now = Instant::now();
            (0..1_000)
                .map(|_| line.send(Host::B, &[], now))
                .collect::<Vec<_>>()
        };
        let (first, other) = (lost(7), lost(8));
        assert_eq!(first, lost(7));
        assert_ne!(first, other);
        let count = first.iter().filter(|fate| **fate == Entrance::Lost).count();
        assert!((200..300).contains(&count), "{count}");
    }
}
