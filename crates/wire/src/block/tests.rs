//! Blocks: known octets, every split, and no input that panics.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug, Eq, PartialEq)]
enum Seen {
    Data(Vec<u8>),
    Other(BlockEvent<'static>),
    Error(BlockError),
}

#[test]
fn a_header_is_read_and_written_back() {
    let check = |octets: [u8; 3], flags: BlockFlags, count| {
        let header = BlockHeader { flags, count };
        assert_eq!(header.encode(), octets);
        assert_eq!(BlockHeader::decode(octets), Ok(header));
    };
    let none = BlockFlags::default();
    check([0, 0, 0], none, 0);
    check([0, 0x80, 0], none, 32768);
    check([64, 0, 0], BlockFlags::END_OF_FILE, 0);
    check([96, 0, 0], BlockFlags::FAILED, 0);
    check(
        [128, 0xff, 0xff],
        BlockFlags {
            end_of_record: true,
            ..none
        },
        65535,
    );
    check(
        [192, 0, 1],
        BlockFlags {
            end_of_record: true,
            end_of_file: true,
            ..none
        },
        1,
    );
    check([16, 0, 255], BlockFlags::MARKER, 255);
}

#[test]
fn headers_that_break_the_rules_are_refused() {
    let check = |octets, error| assert_eq!(BlockHeader::decode(octets), Err(error), "{octets:?}");
    for bit in [1, 2, 4, 8] {
        check([bit, 0, 0], BlockError::ReservedBits);
        check([64 | bit, 0, 0], BlockError::ReservedBits);
    }
    check([16, 0, 0], BlockError::Marker);
    check([16, 1, 0], BlockError::Marker);
    check([16 | 64, 0, 1], BlockError::Marker);
    check([16 | 128, 0, 1], BlockError::Marker);
}

#[test]
fn blocks_become_events() {
    let check = |structure, octets: &[u8], expected: &[Seen]| {
        assert_eq!(decode(structure, &[octets]), expected, "{octets:?}");
        for at in 0..octets.len() {
            let (head, tail) = octets.split_at(at);
            assert_eq!(decode(structure, &[head, tail]), expected, "split at {at}");
        }
        let single: Vec<_> = octets.chunks(1).collect();
        assert_eq!(decode(structure, &single), expected, "octet by octet");
    };
    let data = |octets: &[u8]| Seen::Data(octets.to_vec());
    let marker = |text: &str| Seen::Other(BlockEvent::Marker(Text::try_from(text).unwrap()));
    let end = |suspect| Seen::Other(BlockEvent::EndOfFile { suspect });
    let record = Seen::Other(BlockEvent::EndOfRecord);
    let file = Structure::File;
    check(file, b"", &[]);
    check(file, b"\x40\0\0", &[end(false)]);
    check(file, b"\x60\0\0", &[end(true)]);
    check(
        file,
        b"\0\0\0\0\0\x02ab\x40\0\x01c",
        &[data(b"ab"), data(b"c"), end(false)],
    );
    check(
        file,
        b"\x10\0\x011\x40\0\x01a",
        &[marker("1"), data(b"a"), end(false)],
    );
    check(
        file,
        b"\x20\0\x01a",
        &[Seen::Other(BlockEvent::Suspect), data(b"a")],
    );
    check(
        file,
        b"\x40\0\0\x40\0\x01b",
        &[end(false), data(b"b"), end(false)],
    );
    check(
        Structure::Record,
        b"\x80\0\x01a\xc0\0\x01b",
        &[data(b"a"), record.clone(), data(b"b"), record, end(false)],
    );
    check(
        file,
        b"\x80\0\x01a",
        &[Seen::Error(BlockError::UnexpectedRecord)],
    );
    check(file, b"\x10\0\x01 ", &[Seen::Error(BlockError::Marker)]);
    check(
        file,
        b"\0\0\x01a\x01\0\0",
        &[data(b"a"), Seen::Error(BlockError::ReservedBits)],
    );
}

#[test]
fn an_error_is_final() {
    let mut decoder = BlockDecoder::new(Structure::File);
    let mut input: &[u8] = &[1, 0, 0, 64, 0, 0];
    assert_eq!(decoder.decode(&mut input), Err(BlockError::ReservedBits));
    assert_eq!(decoder.decode(&mut input), Err(BlockError::ReservedBits));
    assert_eq!(decoder.wanted_bytes(), 0);
}

#[test]
fn payload_may_be_moved_by_other_means() {
    let mut decoder = BlockDecoder::new(Structure::File);
    assert_eq!(
        (decoder.wanted_bytes(), decoder.is_within_file()),
        (3, false)
    );
    let mut input: &[u8] = &[64, 0];
    assert_eq!(decoder.decode(&mut input), Ok(None));
    assert_eq!(
        (decoder.wanted_bytes(), decoder.is_within_file()),
        (1, true)
    );
    assert!(!decoder.skip(1));
    let mut input: &[u8] = &[9];
    assert_eq!(decoder.decode(&mut input), Ok(None));
    assert_eq!((decoder.wanted_bytes(), decoder.payload_bytes()), (9, 9));
    assert!(!decoder.skip(10));
    assert!(decoder.skip(8));
    assert_eq!(decoder.decode(&mut &[][..]), Ok(None));
    assert!(decoder.skip(1));
    let end = BlockEvent::EndOfFile { suspect: false };
    assert_eq!(decoder.decode(&mut &[][..]), Ok(Some(end)));
    assert!(!decoder.is_within_file());
}

#[test]
fn a_marker_is_written_as_it_is_read() {
    let check = |marker: &str, ok| {
        let marker = Text::try_from(marker).unwrap();
        let mut octets = Vec::new();
        assert_eq!(encode_marker(&marker, &mut octets).is_ok(), ok, "{marker}");
        let expected = ok.then_some(Seen::Other(BlockEvent::Marker(marker)));
        assert_eq!(
            decode(Structure::File, &[&octets]),
            Vec::from_iter(expected)
        );
    };
    check("1", true);
    check("o12c1", true);
    check(&"~".repeat(255), true);
    check(&"~".repeat(256), false);
    check("", false);
    check("a b", false);
    check("é", false);
}

proptest! {
    #[test]
    fn a_header_that_is_read_is_written_the_same(octets in any::<[u8; 3]>()) {
        if let Ok(header) = BlockHeader::decode(octets) {
            prop_assert_eq!(header.encode(), octets);
        }
    }

    #[test]
    fn events_do_not_depend_on_the_pieces(
        blocks in prop::collection::vec(
            (prop::sample::select(vec![0, 0, 16, 32, 64, 96, 128, 192, 7]), "[!-~]{0,5}"), 0..9,
        ),
        tail in prop::collection::vec(any::<u8>(), 0..9),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
    ) {
        let mut octets = Vec::new();
        for (descriptor, payload) in &blocks {
            octets.extend([*descriptor, 0, u8::try_from(payload.len()).unwrap()]);
            octets.extend_from_slice(payload.as_bytes());
        }
        octets.extend(tail);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect();
        cuts.extend([0, octets.len()]);
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|ends| &octets[ends[0]..ends[1]]).collect();
        for structure in [Structure::File, Structure::Record] {
            prop_assert_eq!(decode(structure, &pieces), decode(structure, &[&octets]));
        }
    }
}

/// Every event of the pieces, octets of one block joined.
fn decode(structure: Structure, pieces: &[&[u8]]) -> Vec<Seen> {
    let mut decoder = BlockDecoder::new(structure);
    let mut seen = Vec::new();
    let mut joins = false;
    for piece in pieces {
        let mut input = *piece;
        loop {
            match decoder.decode(&mut input) {
                Ok(None) => break,
                Ok(Some(BlockEvent::Data(octets))) => {
                    match seen.last_mut() {
                        Some(Seen::Data(before)) if joins => before.extend_from_slice(octets),
                        _ => seen.push(Seen::Data(octets.to_vec())),
                    }
                    joins = decoder.payload_bytes() > 0;
                }
                Ok(Some(BlockEvent::Marker(marker))) => {
                    seen.push(Seen::Other(BlockEvent::Marker(marker)));
                }
                Ok(Some(BlockEvent::Suspect)) => seen.push(Seen::Other(BlockEvent::Suspect)),
                Ok(Some(BlockEvent::EndOfRecord)) => {
                    seen.push(Seen::Other(BlockEvent::EndOfRecord));
                }
                Ok(Some(BlockEvent::EndOfFile { suspect })) => {
                    seen.push(Seen::Other(BlockEvent::EndOfFile { suspect }));
                }
                Err(error) => {
                    seen.push(Seen::Error(error));
                    return seen;
                }
            }
        }
        assert!(input.is_empty());
    }
    seen
}
