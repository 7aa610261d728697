//! Lines: framing, bounds, Telnet, and every split of the input.

use proptest::prelude::*;

use super::*;
use crate::{SUBNEGOTIATION_BYTES_MAX, TELNET_ANSWERS_MAX};

#[test]
fn lines_end_in_crlf_alone() {
    check(b"", &[]);
    check(b"NOOP\r\n", &[line(b"NOOP")]);
    check(b"\r\n\r\n", &[line(b""), line(b"")]);
    check(b"A\r\nB\r\nC", &[line(b"A"), line(b"B")]);
    check(b"A\r\0B\r\n", &[line(b"A\rB")]);
    check(b"A\rB\r\r\n", &[line(b"A\rB\r")]);
    check(
        b"A\r\0\nB\r\nC\r\n",
        &[LineEvent::ForbiddenOctet, line(b"C")],
    );
    check(
        b"STOR a\nDELE b\r\nC\r\n",
        &[LineEvent::ForbiddenOctet, line(b"C")],
    );
    check(
        b"STOR a\0b\r\nC\r\n",
        &[LineEvent::ForbiddenOctet, line(b"C")],
    );
    check(b"\n\r\n", &[LineEvent::ForbiddenOctet]);
}

#[test]
fn a_tls_record_in_place_of_a_line_is_told_at_once_and_nothing_after_it() {
    check(
        b"NOOP\r\n\x16\x03\x01\x02\0\x01\r\nNOOP\r\n",
        &[line(b"NOOP"), LineEvent::OtherProtocol],
    );
    check(b"A\x16\r\n", &[line(b"A\x16")]);
}

#[test]
fn a_line_longer_than_the_limit_is_discarded_whole() {
    check(b"12345678\r\n", &[line(b"12345678")]);
    check(b"123456789\r\nA\r\n", &[LineEvent::TooLong, line(b"A")]);
    check(
        b"1234567\r\0\0\r\nA\r\n",
        &[LineEvent::ForbiddenOctet, line(b"A")],
    );
    check(
        b"12345678\r\0\0\r\nA\r\n",
        &[LineEvent::TooLong, line(b"A")],
    );
    check(b"123456789\n\r\n", &[LineEvent::TooLong]);
    let mut decoder = LineDecoder::new(LIMIT);
    assert_eq!(decoder.decode(&mut &[b'a'; 100_000][..]), None);
    assert!(decoder.line.capacity() <= 2 * LIMIT);
    assert!(decoder.is_within_line());
}

//= security#S-40
//= type=test
#[test]
fn telnet_options_are_refused_and_refusals_left_alone() {
    let answer = |octet, option| LineEvent::TelnetAnswer([255, octet, option]);
    check(b"\xff\xfb\x01A\r\n", &[answer(254, 1), line(b"A")]);
    check(b"A\xff\xfd\x06B\r\n", &[answer(252, 6), line(b"AB")]);
    check(b"\xff\xfc\x01\xff\xfe\x01A\r\n", &[line(b"A")]);
    check(b"\xff\xfd\xffA\r\n", &[answer(252, 255), line(b"A")]);
    check(b"A\r\xff\xf1\nB\r\n", &[line(b"A"), line(b"B")]);
}

//= security#S-41
//= type=test
//= security#S-43
//= type=test
#[test]
fn telnet_commands_are_taken_out() {
    check(b"A\xff\xffB\r\n", &[line(b"A\xffB")]);
    check(b"\xff\xf4\xff\xf2ABOR\r\n", &[line(b"ABOR")]);
    check(
        b"\xf2ABOR\r\n\xf2\xf2STAT\r\n",
        &[line(b"ABOR"), line(b"STAT")],
    );
    check(b"A\xf2\x80\r\n", &[line(b"A\xf2\x80")]);
    check(
        b"A\xff\xfa\x01\r\n\xff\xff\xf0\xff\xf0B\r\n",
        &[line(b"AB")],
    );
    check(b"A\xff\xfa\x01\xf0\r\n\xff\xf0B\r\n", &[line(b"AB")]);
    check(b"\xff\xf9\xff\xf6A\r\n", &[line(b"A")]);
}

//= security#S-40
//= type=test
#[test]
fn a_long_subnegotiation_is_abuse() {
    let sub = |octets| {
        [
            b"\xff\xfa".as_slice(),
            &vec![b'a'; octets],
            b"\xff\xf0A\r\nB\r\n",
        ]
        .concat()
    };
    assert_eq!(SUBNEGOTIATION_BYTES_MAX, 512);
    // The IAC of IAC SE counts as well.
    let longest = SUBNEGOTIATION_BYTES_MAX - 1;
    assert_eq!(
        events(&mut decoder(), &[&sub(longest)]),
        [line(b"A"), line(b"B")]
    );
    assert_eq!(
        events(&mut decoder(), &[&sub(longest + 1)]),
        [LineEvent::TelnetAbuse]
    );
}

//= security#S-40
//= type=test
#[test]
fn too_many_options_are_abuse() {
    assert_eq!(TELNET_ANSWERS_MAX, 32);
    let options = |count| [b"\xff\xfd\x01".repeat(count), b"A\r\n".to_vec()].concat();
    let answers = vec![LineEvent::TelnetAnswer([255, 252, 1]); TELNET_ANSWERS_MAX];
    let good = [answers.clone(), vec![line(b"A")]].concat();
    assert_eq!(
        events(&mut decoder(), &[&options(TELNET_ANSWERS_MAX)]),
        good
    );
    let abuse = [answers, vec![LineEvent::TelnetAbuse]].concat();
    assert_eq!(
        events(&mut decoder(), &[&options(TELNET_ANSWERS_MAX + 1)]),
        abuse
    );
}

#[test]
fn a_bare_line_feed_ends_a_line_only_where_that_is_allowed() {
    let octets = b"A\nB\r\n\n\xf2\x80\n";
    let expected = [line(b"A"), line(b"B"), line(b""), line(b"\xf2\x80")];
    assert_eq!(
        events(&mut LineDecoder::lenient(LIMIT), &[octets]),
        expected
    );
    assert_eq!(
        events(&mut decoder(), &[b"A\nB\r\n"]),
        [LineEvent::ForbiddenOctet]
    );
}

proptest! {
    //= security#S-43
    //= type=test
    #[test]
    fn events_do_not_depend_on_the_pieces(
        octets in prop::collection::vec(
            prop::sample::select(b"\r\r\n\n\0ABC\xff\xff\xfa\xf0\xfb\xfc\xfd\xfe\xf2\x01".to_vec()),
            0..60,
        ),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect();
        cuts.extend([0, octets.len()]);
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|ends| &octets[ends[0]..ends[1]]).collect();
        for make in [LineDecoder::new, LineDecoder::lenient] {
            let whole = events(&mut make(LIMIT), &[&octets]);
            prop_assert_eq!(events(&mut make(LIMIT), &pieces), whole.as_slice());
            for event in whole {
                if let LineEvent::Line(line) = event {
                    prop_assert!(line.len() <= LIMIT && !line.contains(&b'\n'));
                    prop_assert!(!line.contains(&0));
                }
            }
        }
    }
}

/// Whole, at every split, and octet by octet (spec S-43).
#[track_caller]
fn check(octets: &[u8], expected: &[LineEvent]) {
    assert_eq!(events(&mut decoder(), &[octets]), expected, "whole");
    for at in 0..octets.len() {
        let (head, tail) = octets.split_at(at);
        assert_eq!(
            events(&mut decoder(), &[head, tail]),
            expected,
            "split at {at}"
        );
    }
    let single: Vec<_> = octets.chunks(1).collect();
    assert_eq!(events(&mut decoder(), &single), expected, "octet by octet");
}

fn events(decoder: &mut LineDecoder, pieces: &[&[u8]]) -> Vec<LineEvent> {
    let mut events = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        while let Some(event) = decoder.decode(&mut input) {
            events.push(event);
        }
        assert!(input.is_empty());
    }
    events
}

fn decoder() -> LineDecoder {
    LineDecoder::new(LIMIT)
}

fn line(octets: &[u8]) -> LineEvent {
    LineEvent::Line(octets.to_vec())
}

const LIMIT: usize = 8;
