//! STRU R in MODE S: marks behind an escape octet. RFC 959 section 3.4.1, spec M-10 to M-13.

use memchr::{memchr, memchr2};

use super::{Decoded, Malformed};

/// Marks the ends of records and of the file.
#[derive(Debug)]
pub(in super::super) struct Encoder {
    /// Whether a record is a line; else the file is one record.
    lines: bool,
    /// Whether octets have been sent since the last mark.
    open: bool,
}

impl Encoder {
    pub(super) fn new(lines: bool) -> Self {
        Self { lines, open: false }
    }

    pub(super) fn encode(&mut self, mut file: &[u8], last: bool, wire: &mut Vec<u8>) {
        while let Some((plain, special, rest)) = self.split(file) {
            wire.extend_from_slice(plain);
            file = rest;
            if special == ESCAPE {
                wire.extend_from_slice(&[ESCAPE, ESCAPE]);
                self.open = true;
            } else if last && file.is_empty() {
                wire.extend_from_slice(&[ESCAPE, END_OF_BOTH]);
                return;
            } else {
                wire.extend_from_slice(&[ESCAPE, END_OF_RECORD]);
                self.open = false;
            }
        }
        wire.extend_from_slice(file);
        self.open |= !file.is_empty();
        if last {
            wire.extend_from_slice(&[ESCAPE, if self.open { END_OF_BOTH } else { END_OF_FILE }]);
        }
    }

    fn split<'a>(&self, file: &'a [u8]) -> Option<(&'a [u8], u8, &'a [u8])> {
        let at = if self.lines {
            memchr2(b'\n', ESCAPE, file)
        } else {
            memchr(ESCAPE, file)
        }?;
        let (plain, rest) = file.split_at_checked(at)?;
        let (&special, rest) = rest.split_first()?;
        Some((plain, special, rest))
    }
}

/// Takes the marks out again.
#[derive(Debug)]
pub(in super::super) struct Decoder {
    lines: bool,
    open: bool,
    /// An escape octet whose follower has not been seen.
    escaped: bool,
}

impl Decoder {
    pub(super) fn new(lines: bool) -> Self {
        Self {
            lines,
            open: false,
            escaped: false,
        }
    }

    pub(super) fn decode(&mut self, wire: &[u8], file: &mut Vec<u8>) -> Result<Decoded, Malformed> {
        let mut rest = wire;
        while let Some((&first, behind)) = rest.split_first() {
            if std::mem::take(&mut self.escaped) {
                rest = behind;
                if self.mark(first, file)? {
                    return Ok(Decoded {
                        taken: wire.len() - rest.len(),
                        complete: true,
                        marker: None,
                    });
                }
                continue;
            }
            let plain = memchr(ESCAPE, rest).unwrap_or(rest.len());
            let (plain, behind) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
            file.extend_from_slice(plain);
            self.open |= !plain.is_empty();
            self.escaped = !behind.is_empty();
            rest = behind.get(1..).unwrap_or_default();
        }
        Ok(Decoded {
            taken: wire.len(),
            complete: false,
            marker: None,
        })
    }

    /// Whether the file is complete.
    fn mark(&mut self, code: u8, file: &mut Vec<u8>) -> Result<bool, Malformed> {
        match code {
            ESCAPE => {
                file.push(ESCAPE);
                self.open = true;
                return Ok(false);
            }
            END_OF_RECORD | END_OF_BOTH => self.end_record(file),
            // Our choice of spec M-12: what stands before the end is a last record.
            END_OF_FILE if self.open => self.end_record(file),
            END_OF_FILE => {}
            _ => return Err(Malformed::Escape(code)),
        }
        Ok(code != END_OF_RECORD)
    }

    fn end_record(&mut self, file: &mut Vec<u8>) {
        self.open = false;
        if self.lines {
            file.push(b'\n');
        }
    }
}

const ESCAPE: u8 = 0xff;
const END_OF_RECORD: u8 = 1;
const END_OF_FILE: u8 = 2;
const END_OF_BOTH: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: bool, file: &[u8], wire: &[u8]) {
        let mut encoded = Vec::new();
        Encoder::new(lines).encode(file, true, &mut encoded);
        assert_eq!(encoded, wire, "sending {file:02x?}");
    }

    fn check_received(lines: bool, wire: &[u8], file: &[u8], taken: usize) {
        let mut decoded = Vec::new();
        let outcome = Decoder::new(lines).decode(wire, &mut decoded).unwrap();
        assert_eq!(decoded, file, "receiving {wire:02x?}");
        assert_eq!(
            outcome,
            Decoded {
                taken,
                complete: true,
                marker: None,
            },
            "receiving {wire:02x?}"
        );
    }

    #[test]
    fn every_record_is_marked_and_the_last_mark_ends_the_file_too() {
        check(true, b"", b"\xff\x02");
        check(true, b"a\nb\n", b"a\xff\x01b\xff\x03");
        check(true, b"a\nb", b"a\xff\x01b\xff\x03");
        check(true, b"\n", b"\xff\x03");
        check(true, b"a\r\n", b"a\r\xff\x03");
        check(true, b"\xff\n", b"\xff\xff\xff\x03");
        check(false, b"a\n\xff", b"a\n\xff\xff\xff\x03");
        check(false, b"", b"\xff\x02");
    }

    #[test]
    fn an_unmarked_last_record_is_kept_and_what_follows_the_end_is_left() {
        check_received(true, b"a\xff\x02", b"a\n", 3);
        check_received(true, b"a\xff\x01\xff\x02", b"a\n", 5);
        check_received(true, b"a\xff\x03xyz", b"a\n", 3);
        check_received(true, b"a\r\nb\xff\x03", b"a\r\nb\n", 6);
        check_received(false, b"a\xff\x01b\xff\x01\xff\x02", b"ab", 8);
    }

    #[test]
    fn an_unknown_code_is_malformed() {
        for code in [0, 4, 0x80, 0xfe] {
            let outcome = Decoder::new(true).decode(&[b'a', 0xff, code], &mut Vec::new());
            assert!(outcome.is_err(), "{code}");
        }
    }
}
