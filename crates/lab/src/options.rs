//! What the network is like.

use std::time::Duration;

use crate::Link;

/// What the network is like. The default has no delay, no limit and no loss.
#[derive(Clone, Debug)]
pub struct Options {
    /// One way, between any two hosts; a round trip takes twice that.
    pub delay: Duration,
    /// One way, between two hosts for which it differs.
    pub delays: Vec<(Link, Duration)>,
    /// How many bits a second each host's line takes towards the network.
    pub bits_per_second: Option<u64>,
    /// How many bytes wait before such a line; what comes then is dropped. Without it, one
    /// delay's worth of bytes, at least 256 KiB.
    pub queue_bytes: Option<u64>,
    /// The share of packets that are lost, each by its own throw; from 0 to 1.
    pub loss: f64,
    /// What the throws begin from.
    pub seed: u64,
    /// The congestion control of the hosts, such as `reno`; without it, the machine's.
    pub congestion_control: Option<String>,
    /// The longest packet, in bytes.
    pub mtu: u16,
}

impl Options {
    /// How long a packet takes on this link, one way.
    #[must_use]
    pub fn delay_of(&self, link: Link) -> Duration {
        let own = self.delays.iter().rfind(|(of, _)| *of == link);
        own.map_or(self.delay, |(_, delay)| *delay)
    }

    /// How many bytes wait before a line of so many bits a second.
    pub(crate) fn queue_bytes(&self, bits_per_second: u64) -> u64 {
        let longest = Link::ALL.map(|link| self.delay_of(link)).into_iter().max();
        let millis = longest.unwrap_or_default().as_millis();
        let under_way = u128::from(bits_per_second / 8) * millis / 1000;
        let usual = u64::try_from(under_way).unwrap_or(u64::MAX);
        self.queue_bytes.unwrap_or(usual.max(QUEUE_BYTES_MIN))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            delays: Vec::new(),
            bits_per_second: None,
            queue_bytes: None,
            loss: 0.0,
            seed: 1,
            congestion_control: None,
            mtu: 1500,
        }
    }
}

const QUEUE_BYTES_MIN: u64 = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_may_have_a_delay_of_its_own() {
        let options = Options {
            delay: Duration::from_millis(25),
            delays: vec![(Link::AB, Duration::from_millis(1))],
            ..Options::default()
        };
        assert_eq!(options.delay_of(Link::UserA).as_millis(), 25);
        assert_eq!(options.delay_of(Link::AB).as_millis(), 1);
        assert_eq!(options.queue_bytes(1_000_000), QUEUE_BYTES_MIN);
        assert_eq!(options.queue_bytes(1_000_000_000), 3_125_000);
    }
}
