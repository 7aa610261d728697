//! Any octets in any pieces: the same events, and no line beyond the limit.

use thirdhost_wire::{LineDecoder, LineEvent};

use crate::Input;

pub(crate) fn run(octets: &[u8]) {
    let mut input = Input::new(octets);
    let (piece, lenient) = (input.octet(), input.flag());
    let octets = input.rest();
    let whole = events(lenient, octets.len().max(1), octets);
    assert_eq!(events(lenient, usize::from(piece).max(1), octets), whole);
    for event in whole {
        if let LineEvent::Line(line) = event {
            assert!(line.len() <= LIMIT);
            assert!(!line.contains(&b'\n') && !line.contains(&0));
        }
    }
}

fn events(lenient: bool, piece: usize, octets: &[u8]) -> Vec<LineEvent> {
    let mut decoder = if lenient {
        LineDecoder::lenient(LIMIT)
    } else {
        LineDecoder::new(LIMIT)
    };
    let mut events = Vec::new();
    for mut input in octets.chunks(piece) {
        while let Some(event) = decoder.decode(&mut input) {
            events.push(event);
        }
        assert!(input.is_empty());
    }
    events
}

const LIMIT: usize = 16;
