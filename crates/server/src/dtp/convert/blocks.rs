//! MODE B: blocks with a descriptor. RFC 959 section 3.4.2, spec M-16 to M-22.

use thirdhost_wire::{BlockDecoder, BlockEvent, BlockFlags, BlockHeader, Structure};

use super::{Decoded, Malformed, lines};

/// STRU F: nothing but the end of the file is marked.
#[derive(Debug)]
pub(in super::super) struct Encoder;

impl Encoder {
    pub(super) fn encode(&self, file: &[u8], last: bool, wire: &mut Vec<u8>) {
        put_blocks(file, ends(false, last), wire);
    }
}

/// STRU R: a block ends where a record ends.
#[derive(Debug)]
pub(in super::super) struct RecordEncoder {
    /// Whether a record is a line; else the file is one record.
    lines: bool,
    /// Whether octets have been sent since the last mark.
    open: bool,
}

impl RecordEncoder {
    pub(super) fn new(lines: bool) -> Self {
        Self { lines, open: false }
    }

    pub(super) fn encode(&mut self, mut file: &[u8], last: bool, wire: &mut Vec<u8>) {
        while let Some((record, rest)) = self.split(file) {
            file = rest;
            if last && file.is_empty() {
                put_blocks(record, ends(true, true), wire);
                return;
            }
            put_blocks(record, ends(true, false), wire);
            self.open = false;
        }
        self.open |= !file.is_empty();
        put_blocks(file, ends(last && self.open, last), wire);
    }

    fn split<'a>(&self, file: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let end = self.lines.then(|| memchr::memchr(b'\n', file)).flatten()?;
        let (record, rest) = file.split_at_checked(end)?;
        Some((record, rest.get(1..)?))
    }
}

fn ends(end_of_record: bool, end_of_file: bool) -> BlockFlags {
    BlockFlags {
        end_of_record,
        end_of_file,
        ..BlockFlags::default()
    }
}

/// Takes blocks apart, up to the one that ends the file.
#[derive(Debug)]
pub(in super::super) struct Decoder {
    blocks: BlockDecoder,
    content: Content,
    suspect: bool,
}

impl Decoder {
    pub(super) fn new(text: bool, structure: Structure) -> Self {
        let content = match structure {
            Structure::File if text => Content::Lines(lines::Decoder::default()),
            Structure::File => Content::Octets,
            Structure::Record => Content::Records {
                lines: text,
                open: false,
            },
        };
        Self {
            blocks: BlockDecoder::new(structure),
            content,
            suspect: false,
        }
    }

    pub(super) fn suspect(&self) -> bool {
        self.suspect
    }

    pub(super) fn decode(&mut self, wire: &[u8], file: &mut Vec<u8>) -> Result<Decoded, Malformed> {
        let mut rest = wire;
        while let Some(event) = self.blocks.decode(&mut rest)? {
            match event {
                BlockEvent::Data(octets) => self.content.put(octets, file),
                BlockEvent::EndOfRecord => self.content.end_record(file),
                BlockEvent::Suspect => self.suspect = true,
                BlockEvent::EndOfFile { suspect } => {
                    self.suspect |= suspect;
                    self.content.end_file(file);
                    return Ok(Decoded {
                        taken: wire.len() - rest.len(),
                        complete: true,
                        marker: None,
                    });
                }
                BlockEvent::Marker(marker) if self.content.is_whole() => {
                    return Ok(Decoded {
                        taken: wire.len() - rest.len(),
                        complete: false,
                        marker: Some(marker),
                    });
                }
                // A marker is no part of the file.
                _ => {}
            }
        }
        Ok(Decoded {
            taken: wire.len(),
            complete: false,
            marker: None,
        })
    }
}

/// What the octets in the blocks are.
#[derive(Debug)]
enum Content {
    Octets,
    Lines(lines::Decoder),
    /// `lines`: whether a record is a line. `open`: whether octets have come since the last
    /// mark.
    Records {
        lines: bool,
        open: bool,
    },
}

impl Content {
    fn put(&mut self, octets: &[u8], file: &mut Vec<u8>) {
        match self {
            Self::Octets => file.extend_from_slice(octets),
            Self::Lines(lines) => lines.decode(octets, file),
            Self::Records { open, .. } => {
                *open = true;
                file.extend_from_slice(octets);
            }
        }
    }

    /// Whether all that came is in the file, and a CR at the end of it is one.
    fn is_whole(&self) -> bool {
        match self {
            Self::Octets | Self::Records { .. } => true,
            Self::Lines(lines) => lines.is_whole(),
        }
    }

    fn end_record(&mut self, file: &mut Vec<u8>) {
        if let Self::Records { lines, open } = self {
            *open = false;
            if *lines {
                file.push(b'\n');
            }
        }
    }

    fn end_file(&mut self, file: &mut Vec<u8>) {
        match self {
            Self::Lines(lines) => lines.finish(file),
            // Our choice of spec M-12: what stands before the end is a last record.
            Self::Records { open: true, .. } => self.end_record(file),
            Self::Octets | Self::Records { .. } => {}
        }
    }
}

/// Appends a restart marker of ours, before which the source has sent `octets` of its file
/// (spec M-33).
pub(in super::super) fn put_marker(octets: u64, wire: &mut Vec<u8>) {
    put_block(BlockFlags::MARKER, format!("o{octets}").as_bytes(), wire);
}

/// Appends the marker block that opens the file of this number.
pub(in super::super) fn put_number(number: u64, wire: &mut Vec<u8>) {
    put_block(BlockFlags::MARKER, number.to_string().as_bytes(), wire);
}

/// Appends the block that ends a file which is not what it should be.
pub(in super::super) fn put_failure(wire: &mut Vec<u8>) {
    put_block(BlockFlags::FAILED, &[], wire);
}

/// The number that `wire` begins with, and how many octets it takes there; `None` while it
/// has not come wholly.
pub(in super::super) fn take_number(wire: &[u8]) -> Result<Option<(u64, usize)>, Malformed> {
    let mut rest = wire;
    match BlockDecoder::new(Structure::Record).decode(&mut rest)? {
        None if rest.is_empty() && !wire.is_empty() && is_marker(wire) => Ok(None),
        None if wire.len() < BlockHeader::BYTES => Ok(None),
        Some(BlockEvent::Marker(text)) if text.as_str().bytes().all(|b| b.is_ascii_digit()) => {
            let number = text.as_str().parse().map_err(|_| Malformed::Number)?;
            Ok(Some((number, wire.len() - rest.len())))
        }
        _ => Err(Malformed::Number),
    }
}

fn is_marker(wire: &[u8]) -> bool {
    let header = wire
        .first_chunk()
        .and_then(|header| BlockHeader::decode(*header).ok());
    header.is_some_and(|header| header.flags.marker)
}

/// Blocks of which the last carries `flags`; none when there is nothing to say.
fn put_blocks(octets: &[u8], flags: BlockFlags, wire: &mut Vec<u8>) {
    let mut pieces = octets.chunks(BLOCK_BYTES.into()).peekable();
    if pieces.peek().is_none() && flags != BlockFlags::default() {
        put_block(flags, &[], wire);
    }
    while let Some(piece) = pieces.next() {
        let last = pieces.peek().is_none();
        put_block(
            if last { flags } else { BlockFlags::default() },
            piece,
            wire,
        );
    }
}

/// No caller has more octets than one block takes.
fn put_block(flags: BlockFlags, octets: &[u8], wire: &mut Vec<u8>) {
    let count = u16::try_from(octets.len()).unwrap_or(u16::MAX);
    wire.extend_from_slice(&BlockHeader { flags, count }.encode());
    wire.extend_from_slice(octets);
}

/// How many octets a block of ours carries, so that reads of files stay aligned (spec M-21).
const BLOCK_BYTES: u16 = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: bool, structure: Structure, wire: &[u8], file: Result<(&[u8], usize), ()>) {
        let mut decoded = Vec::new();
        let mut decoder = Decoder::new(text, structure);
        let mut outcome = decoder.decode(wire, &mut decoded);
        let mut before = 0;
        while let Ok(Decoded {
            taken,
            marker: Some(_),
            ..
        }) = outcome
        {
            before += taken;
            outcome = decoder.decode(&wire[before..], &mut decoded);
        }
        let outcome = outcome.map(|outcome| Decoded {
            taken: before + outcome.taken,
            ..outcome
        });
        match (outcome, file) {
            (Ok(outcome), Ok((file, taken))) => {
                assert_eq!(decoded, file, "{wire:02x?}");
                assert_eq!(
                    outcome,
                    Decoded {
                        taken,
                        complete: true,
                        marker: None,
                    },
                    "{wire:02x?}"
                );
            }
            (Err(_), Err(())) => {}
            (outcome, _) => panic!("{wire:02x?} gave {outcome:?}"),
        }
    }

    #[test]
    fn blocks_of_a_plain_file_are_joined_up_to_its_end() {
        let check = |wire: &[u8], file| check(false, Structure::File, wire, file);
        check(b"\x40\0\0", Ok((b"", 3)));
        check(b"\x40\0\x01a", Ok((b"a", 4)));
        check(b"\0\0\x02ab\x40\0\0", Ok((b"ab", 8)));
        check(b"\0\0\x01a\0\0\0\x40\0\x01b\x40", Ok((b"ab", 11)));
        check(b"\x10\0\x02o1\x40\0\x01b", Ok((b"b", 9)));
        check(b"\x20\0\x01a\x40\0\0", Ok((b"a", 7)));
    }

    #[test]
    fn line_ends_straddle_blocks_and_markers() {
        let check = |wire: &[u8], file| check(true, Structure::File, wire, file);
        check(b"\0\0\x02a\r\x40\0\x01\n", Ok((b"a\n", 9)));
        check(b"\0\0\x02a\r\x10\0\x01m\x40\0\x01\n", Ok((b"a\n", 13)));
        check(b"\x40\0\x02a\r", Ok((b"a\r", 5)));
    }

    #[test]
    fn a_marker_is_told_where_the_file_is_whole_up_to_it() {
        let marker = |text: bool, wire: &[u8]| {
            let mut file = Vec::new();
            let decoded = Decoder::new(text, Structure::File).decode(wire, &mut file);
            let decoded = decoded.unwrap();
            (
                decoded.taken,
                decoded.marker.map(|marker| marker.to_string()),
            )
        };
        let told = Some("m".to_owned());
        assert_eq!(
            marker(false, b"\0\0\x01\r\x10\0\x01m\0\0\x01a"),
            (8, told.clone())
        );
        assert_eq!(marker(true, b"\0\0\x01a\x10\0\x01m\0\0\x01a"), (8, told));
        assert_eq!(marker(true, b"\0\0\x01\r\x10\0\x01m\0\0\x01a"), (12, None));
    }

    #[test]
    fn records_end_where_blocks_say_so() {
        let check_text = |wire: &[u8], file| check(true, Structure::Record, wire, file);
        check_text(b"\x80\0\x01a\xc0\0\x01b", Ok((b"a\nb\n", 8)));
        check_text(b"\0\0\x01a\x80\0\0\x40\0\0", Ok((b"a\n", 10)));
        check_text(b"\x80\0\0\xc0\0\0", Ok((b"\n\n", 6)));
        check_text(b"\x40\0\x01a", Ok((b"a\n", 4)));
        check(
            false,
            Structure::Record,
            b"\x80\0\x01a\xc0\0\x01b",
            Ok((b"ab", 8)),
        );
    }

    #[test]
    fn broken_descriptors_are_malformed() {
        for wire in [
            b"\x01\0\x01a".as_slice(), // reserved
            b"\x48\0\0",
            b"\x80\0\x01a",    // a record where there are none
            b"\x50\0\x01m",    // a marker that ends the file
            b"\x10\0\0",       // an empty marker
            b"\x10\x01\0mmmm", // a long one
            b"\x10\0\x01 ",    // one that cannot be printed
        ] {
            check(false, Structure::File, wire, Err(()));
        }
    }

    #[test]
    fn records_are_sent_with_the_last_mark_ending_the_file() {
        let check = |lines, file: &[u8], expected: &[u8]| {
            let mut wire = Vec::new();
            RecordEncoder::new(lines).encode(file, true, &mut wire);
            assert_eq!(wire, expected, "{file:?}");
        };
        check(true, b"", b"\x40\0\0");
        check(true, b"a\n\nb", b"\x80\0\x01a\x80\0\0\xc0\0\x01b");
        check(true, b"a\n", b"\xc0\0\x01a");
        check(false, b"a\n", b"\xc0\0\x02a\n");
    }

    #[test]
    fn long_files_are_cut_into_blocks() {
        let mut wire = Vec::new();
        Encoder.encode(&vec![b'x'; usize::from(BLOCK_BYTES) + 1], true, &mut wire);
        assert_eq!(
            wire.len(),
            usize::from(BLOCK_BYTES) + 1 + 2 * BlockHeader::BYTES
        );
        assert_eq!(wire[..3], [0, 0x80, 0]);
        assert_eq!(wire[wire.len() - 4..], [0x40, 0, 1, b'x']);
    }

    #[test]
    fn a_number_is_taken_once_it_has_come_wholly() {
        let mut wire = Vec::new();
        put_number(417, &mut wire);
        assert_eq!(wire, b"\x10\0\x03417");
        for end in 0..wire.len() {
            assert_eq!(take_number(&wire[..end]), Ok(None), "{end} octets");
        }
        wire.push(0);
        assert_eq!(take_number(&wire), Ok(Some((417, 6))));
        for other in [
            b"\x40\0\0".as_slice(),
            b"\0\0\0",
            b"\0\0\x01",
            b"\x10\0\x02+1",
        ] {
            assert!(take_number(other).is_err(), "{other:02x?}");
        }
    }
}
