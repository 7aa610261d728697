//! An IPv4 packet as the emulator sees it, and the reset that refuses one.

use std::net::Ipv4Addr;

/// What is looked at in a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Packet<'a> {
    pub(crate) destination: Ipv4Addr,
    source: Ipv4Addr,
    /// The TCP segment in it, if there is one.
    pub(crate) segment: Option<Segment<'a>>,
}

/// A TCP segment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Segment<'a> {
    /// Port of the source and of the destination.
    pub(crate) ports: (u16, u16),
    /// The number of its first octet.
    pub(crate) number: u32,
    acknowledged: u32,
    flags: u8,
    pub(crate) payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// `None` for what is no whole IPv4 packet.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&first, _) = bytes.split_first()?;
        if first >> 4 != 4 {
            return None;
        }
        let length = usize::from(u16_at(bytes, 2)?);
        let header = usize::from(first & 0xf) * 4;
        let segment = match *bytes.get(9)? {
            TCP => Segment::parse(bytes.get(header..length)?),
            _ => None,
        };
        Some(Self {
            destination: Ipv4Addr::from(u32_at(bytes, 16)?),
            source: Ipv4Addr::from(u32_at(bytes, 12)?),
            segment,
        })
    }

    /// What its sender is told when the way is barred: RFC 9293 section 3.10.7.1. `None` for what
    /// is no TCP, and for a reset, which nobody answers.
    pub(crate) fn reset(&self) -> Option<Vec<u8>> {
        let segment = self.segment.filter(|segment| segment.flags & RST == 0)?;
        let (number, acknowledged, flags) = if segment.flags & ACK == 0 {
            (0, segment.end(), RST | ACK)
        } else {
            (segment.acknowledged, 0, RST)
        };
        let mut tcp = Vec::with_capacity(TCP_HEADER);
        tcp.extend(segment.ports.1.to_be_bytes());
        tcp.extend(segment.ports.0.to_be_bytes());
        tcp.extend(number.to_be_bytes());
        tcp.extend(acknowledged.to_be_bytes());
        tcp.extend([HEADER_WORDS << 4, flags, 0, 0, 0, 0, 0, 0]);
        let (from, to) = (self.destination.octets(), self.source.octets());
        let pseudo = [&from[..], &to, &[0, TCP, 0, 20], &tcp].concat();
        put_checksum(&mut tcp, 16, checksum(&pseudo));
        let mut ip = vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, TIME_TO_LIVE, TCP, 0, 0];
        ip.extend(from);
        ip.extend(to);
        let sum = checksum(&ip);
        put_checksum(&mut ip, 10, sum);
        ip.extend(tcp);
        Some(ip)
    }
}

impl<'a> Segment<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let header = usize::from(*bytes.get(12)? >> 4) * 4;
        Some(Self {
            ports: (u16_at(bytes, 0)?, u16_at(bytes, 2)?),
            number: u32_at(bytes, 4)?,
            acknowledged: u32_at(bytes, 8)?,
            flags: *bytes.get(13)?,
            payload: bytes.get(header..)?,
        })
    }

    /// Whether it asks for a connection.
    pub(crate) fn opens(&self) -> bool {
        self.flags & (SYN | ACK) == SYN
    }

    /// The number behind its last octet; SYN and FIN count as one each.
    fn end(&self) -> u32 {
        let marks = u32::from(self.flags & SYN != 0) + u32::from(self.flags & FIN != 0);
        let octets = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        self.number.wrapping_add(octets).wrapping_add(marks)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| match pair {
        [high, low] => u32::from(*high) << 8 | u32::from(*low),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

fn put_checksum(bytes: &mut [u8], at: usize, sum: u16) {
    for (place, octet) in bytes.iter_mut().skip(at).zip(sum.to_be_bytes()) {
        *place = octet;
    }
}

const TCP: u8 = 6;
const TIME_TO_LIVE: u8 = 64;
const TCP_HEADER: usize = 20;
const HEADER_WORDS: u8 = 5;

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// `hello` from 10.77.0.1 port 4000 to 10.77.0.2 port 21.
    fn hello(flags: u8) -> Vec<u8> {
        let mut bytes = vec![0x45, 0, 0, 45, 0, 0, 0x40, 0, 64, TCP, 0, 0];
        bytes.extend([10, 77, 0, 1, 10, 77, 0, 2]);
        bytes.extend([0x0f, 0xa0, 0, 21, 0, 0, 0, 7, 0, 0, 0, 9, 0x50, flags]);
        bytes.extend([0; 6]);
        bytes.extend(b"hello");
        bytes
    }

    #[test]
    fn a_segment_is_read_where_its_headers_say() {
        let bytes = hello(ACK);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.destination, Ipv4Addr::new(10, 77, 0, 2));
        let segment = packet.segment.unwrap();
        assert_eq!((segment.ports, segment.number), ((4000, 21), 7));
        assert_eq!(segment.payload, b"hello");
        for length in 0..bytes.len() {
            let cut = Packet::parse(&bytes[..length]);
            assert!(
                cut.is_none_or(|packet| packet.segment.is_none()),
                "{length}"
            );
        }
    }

    #[test]
    fn a_reset_says_what_its_receiver_expects() {
        for (flags, number, acknowledged) in [(ACK, 9, 0), (SYN, 0, 7 + 5 + 1)] {
            let bytes = hello(flags);
            let reset = Packet::parse(&bytes).unwrap().reset().unwrap();
            let packet = Packet::parse(&reset).unwrap();
            let segment = packet.segment.unwrap();
            assert_eq!(packet.destination, Ipv4Addr::new(10, 77, 0, 1));
            assert_eq!(segment.ports, (21, 4000));
            assert_eq!(segment.number, number);
            assert_eq!(segment.acknowledged, acknowledged);
            assert_eq!(packet.reset(), None);
            assert_eq!(checksum(&reset[..20]), 0);
        }
    }
}
