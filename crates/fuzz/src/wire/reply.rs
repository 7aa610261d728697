//! Any lines: no panic, and a reply that is read is written so that it is read the same.

use thirdhost_wire::{Reply, ReplyParser};

pub(crate) fn run(octets: &[u8]) {
    let mut parser = ReplyParser::new();
    for line in octets.split(|octet| *octet == b'\n') {
        if let Ok(Some(reply)) = parser.feed(line) {
            assert_eq!(again(&reply), reply);
        }
    }
}

fn again(reply: &Reply) -> Reply {
    let mut octets = Vec::new();
    reply.encode(&mut octets);
    let text = octets.strip_suffix(b"\r\n").expect("a reply ends in CRLF");
    let mut parser = ReplyParser::new();
    let mut found = None;
    for line in text.split(|octet| *octet == b'\n') {
        assert_eq!(found, None);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // A control character may have become `?` and grown no longer, but U+FFFD is three octets.
        let Ok(reply) = parser.feed(line) else {
            return reply.clone();
        };
        found = reply;
    }
    found.expect("the last line ends the reply")
}
