//! What the emulator waits for before it cuts: a packet, not a time.

use std::sync::mpsc;
use std::time::Instant;

use crate::cut::Cuts;
use crate::packet::{Packet, Segment};
use crate::{Cut, Host};

/// A packet to wait for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trigger {
    /// Who sends it.
    pub from: Host,
    /// To whom.
    pub to: Host,
    /// By what it is known.
    pub sign: Sign,
    /// How many such, or such lines, are let pass before.
    pub skip: u32,
    /// When the cut is made.
    pub moment: Moment,
}

/// By what a packet is known. Only TCP over IPv4 is looked at, and what is in clear.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Sign {
    /// A connection is asked for.
    Opens,
    /// A line of it begins with this text.
    Line(String),
    /// It brings the octets sent to at least so many, over all connections.
    Octets(u64),
}

/// When the cut is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Moment {
    /// As the packet is sent: it is struck itself if it goes over the link.
    Sent,
    /// As soon as it has arrived: the answer is struck.
    Arrived,
}

/// Triggers that have not fired yet.
#[derive(Debug, Default)]
pub(crate) struct Armed(Vec<Watch>);

#[derive(Debug)]
struct Watch {
    trigger: Trigger,
    cut: Option<Cut>,
    fired: mpsc::Sender<Instant>,
    /// Which segments have counted: one that is sent again does not count twice.
    counted: Vec<((u16, u16), u32)>,
    /// Octets, lines or packets so far.
    seen: u64,
}

impl Armed {
    /// Waits for `trigger`, to tell `fired` and to make `cut`, if there is one.
    pub(crate) fn add(&mut self, trigger: Trigger, cut: Option<Cut>, fired: mpsc::Sender<Instant>) {
        self.0.push(Watch {
            trigger,
            cut,
            fired,
            counted: Vec::new(),
            seen: 0,
        });
    }

    /// Waits for nothing any more.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Looks at a packet that was sent, or has arrived, and makes the cuts it triggers.
    pub(crate) fn see(
        &mut self,
        moment: Moment,
        (from, to): (Host, Host),
        bytes: &[u8],
        cuts: &mut Cuts,
    ) {
        if self.0.is_empty() {
            return;
        }
        let Some(segment) = Packet::parse(bytes).and_then(|packet| packet.segment) else {
            return;
        };
        self.0.retain_mut(|watch| {
            let trigger = &watch.trigger;
            if (trigger.from, trigger.to, trigger.moment) != (from, to, moment)
                || !watch.fires(&segment)
            {
                return true;
            }
            if let Some(cut) = watch.cut {
                cuts.make(cut);
            }
            // Nobody may be waiting.
            watch.fired.send(Instant::now()).ok();
            false
        });
    }
}

impl Watch {
    fn fires(&mut self, segment: &Segment<'_>) -> bool {
        let place = (segment.ports, segment.number);
        let shows = match &self.trigger.sign {
            Sign::Opens => usize::from(segment.opens()),
            Sign::Line(text) => lines(segment.payload, text.as_bytes()),
            Sign::Octets(_) => segment.payload.len(),
        };
        if shows == 0 || self.counted.contains(&place) {
            return false;
        }
        self.counted.push(place);
        self.seen += shows as u64;
        let least = match self.trigger.sign {
            Sign::Octets(least) => least,
            Sign::Opens | Sign::Line(_) => u64::from(self.trigger.skip) + 1,
        };
        self.seen >= least
    }
}

/// How many lines of the payload begin with the text, in upper or lower case.
fn lines(payload: &[u8], text: &[u8]) -> usize {
    let lines = payload.split(|octet| *octet == b'\n');
    let begins = |line: &&[u8]| {
        let start = line.get(..text.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(text))
    };
    lines.filter(begins).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_known_by_its_beginning() {
        let payload = b"TYPE I\r\nretr a\r\nPWD\r\nRETR b\r\n";
        for (text, found) in [("RETR ", 2), ("a", 0), ("PWD", 1), ("PWD ", 0)] {
            assert_eq!(lines(payload, text.as_bytes()), found, "{text}");
        }
    }
}
