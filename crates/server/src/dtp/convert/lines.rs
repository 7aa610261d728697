//! TYPE A: lines end in LF in the file and in CR LF on the wire. Spec M-1 to M-3.

use memchr::{memchr, memchr_iter};

/// Appends `file` to `wire` with CR LF for each LF. A CR of the file stays, also before LF.
pub(super) fn encode(file: &[u8], wire: &mut Vec<u8>) {
    let mut line_start = 0;
    for line_end in memchr_iter(b'\n', file) {
        wire.extend_from_slice(file.get(line_start..line_end).unwrap_or_default());
        wire.extend_from_slice(b"\r\n");
        line_start = line_end + 1;
    }
    wire.extend_from_slice(file.get(line_start..).unwrap_or_default());
}

/// CR LF to LF; a CR or an LF alone is part of the text.
#[derive(Debug, Default)]
pub(in super::super) struct Decoder {
    /// A CR whose follower has not been seen.
    held: bool,
}

impl Decoder {
    pub(super) fn decode(&mut self, mut wire: &[u8], file: &mut Vec<u8>) {
        while let Some(&first) = wire.first() {
            if self.held {
                self.held = false;
                if first != b'\n' {
                    file.push(b'\r');
                }
            }
            let Some((text, after)) = memchr(b'\r', wire).and_then(|cr| wire.split_at_checked(cr))
            else {
                file.extend_from_slice(wire);
                return;
            };
            file.extend_from_slice(text);
            self.held = true;
            wire = after.get(1..).unwrap_or_default();
        }
    }

    /// Whether no CR waits for what follows it.
    pub(super) fn is_whole(&self) -> bool {
        !self.held
    }

    /// Nothing follows: a held CR was part of the text.
    pub(super) fn finish(&mut self, file: &mut Vec<u8>) {
        if std::mem::take(&mut self.held) {
            file.push(b'\r');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &[u8], wire: &[u8]) {
        let mut encoded = Vec::new();
        encode(file, &mut encoded);
        assert_eq!(encoded, wire, "sending {file:?}");
        let mut decoded = Vec::new();
        let mut decoder = Decoder::default();
        wire.iter()
            .for_each(|&octet| decoder.decode(&[octet], &mut decoded));
        decoder.finish(&mut decoded);
        assert_eq!(decoded, file, "receiving {wire:?}");
    }

    #[test]
    fn line_ends_are_converted_and_all_else_stays() {
        check(b"", b"");
        check(b"a\nb\n", b"a\r\nb\r\n");
        check(b"a\nb", b"a\r\nb");
        check(b"\n\n", b"\r\n\r\n");
        check(b"a\r\n", b"a\r\r\n");
        check(b"a\rb\r", b"a\rb\r");
        check(b"\r\r\n\r", b"\r\r\r\n\r");
        check(b"\xe9\x00\x7f\xff\n", b"\xe9\x00\x7f\xff\r\n");
    }

    #[test]
    fn a_lone_line_feed_is_received_as_it_is() {
        let mut file = Vec::new();
        Decoder::default().decode(b"a\nb\r\n", &mut file);
        assert_eq!(file, b"a\nb\n");
    }
}
