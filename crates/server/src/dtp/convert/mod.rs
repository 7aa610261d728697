//! Converters between the octets of a file and the octets on the wire. They perform no I/O
//! and keep what straddles the border of two buffers.

mod blocks;
mod lines;
mod records;

use thirdhost_proto::server::TransferParameters;
use thirdhost_wire::{RepresentationType, Structure, Text, TransmissionMode};

pub(super) use blocks::{put_failure, put_marker, put_number, take_number};

use super::{Malformed, TransferError};

/// File to wire.
#[derive(Debug)]
pub(super) enum Encoder {
    Identity,
    Lines,
    Records(records::Encoder),
    Blocks(blocks::Encoder),
    BlockLines(blocks::Encoder, Vec<u8>),
    BlockRecords(blocks::RecordEncoder),
}

impl Encoder {
    pub(super) fn new(form: TransferParameters) -> Self {
        let text = form.representation == RepresentationType::Ascii;
        match (form.mode, form.structure) {
            (TransmissionMode::Stream, Structure::File) if text => Self::Lines,
            (TransmissionMode::Stream, Structure::File) => Self::Identity,
            (TransmissionMode::Stream, Structure::Record) => {
                Self::Records(records::Encoder::new(text))
            }
            (TransmissionMode::Block, Structure::File) if text => {
                Self::BlockLines(blocks::Encoder, Vec::new())
            }
            (TransmissionMode::Block, Structure::File) => Self::Blocks(blocks::Encoder),
            (TransmissionMode::Block, Structure::Record) => {
                Self::BlockRecords(blocks::RecordEncoder::new(text))
            }
        }
    }

    /// Whether the octets on the wire are the octets of the file and nothing else.
    pub(super) fn is_identity(&self) -> bool {
        matches!(self, Self::Identity)
    }

    /// Appends to `wire` what `file` looks like there. `last` says that nothing follows it,
    /// so that the end of the file is marked; it may be empty then.
    pub(super) fn encode(&mut self, file: &[u8], last: bool, wire: &mut Vec<u8>) {
        match self {
            Self::Identity => wire.extend_from_slice(file),
            Self::Lines => lines::encode(file, wire),
            Self::Records(records) => records.encode(file, last, wire),
            Self::Blocks(blocks) => blocks.encode(file, last, wire),
            Self::BlockLines(blocks, text) => {
                text.clear();
                lines::encode(file, text);
                blocks.encode(text, last, wire);
            }
            Self::BlockRecords(records) => records.encode(file, last, wire),
        }
    }
}

/// Wire to file.
#[derive(Debug)]
pub(super) enum Decoder {
    Identity,
    Lines(lines::Decoder),
    Records(records::Decoder),
    Blocks(blocks::Decoder),
}

/// How far a [`Decoder`] came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Decoded {
    /// How many octets of the input belong to this file.
    pub(super) taken: usize,
    /// Whether the end of the file has been seen.
    pub(super) complete: bool,
    /// A restart marker, behind which there may be more of the input. None where the file is not
    /// there yet up to the marker, because a CR waits for what follows it.
    pub(super) marker: Option<Text>,
}

impl Decoder {
    pub(super) fn new(form: TransferParameters) -> Self {
        let text = form.representation == RepresentationType::Ascii;
        match (form.mode, form.structure) {
            (TransmissionMode::Stream, Structure::File) if text => {
                Self::Lines(lines::Decoder::default())
            }
            (TransmissionMode::Stream, Structure::File) => Self::Identity,
            (TransmissionMode::Stream, Structure::Record) => {
                Self::Records(records::Decoder::new(text))
            }
            (TransmissionMode::Block, structure) => {
                Self::Blocks(blocks::Decoder::new(text, structure))
            }
        }
    }

    /// Whether the octets of the file are the octets on the wire and nothing else.
    pub(super) fn is_identity(&self) -> bool {
        matches!(self, Self::Identity)
    }

    /// Appends to `file` what the octets of `wire` mean: never more than they are, and one.
    pub(super) fn decode(&mut self, wire: &[u8], file: &mut Vec<u8>) -> Result<Decoded, Malformed> {
        match self {
            Self::Identity => file.extend_from_slice(wire),
            Self::Lines(lines) => lines.decode(wire, file),
            Self::Records(records) => return records.decode(wire, file),
            Self::Blocks(blocks) => return blocks.decode(wire, file),
        }
        Ok(Decoded {
            taken: wire.len(),
            complete: false,
            marker: None,
        })
    }

    /// The connection ended in order; where that is not the end of the file, it is truncated.
    pub(super) fn finish(&mut self, file: &mut Vec<u8>) -> Result<(), TransferError> {
        match self {
            Self::Identity => Ok(()),
            Self::Lines(lines) => {
                lines.finish(file);
                Ok(())
            }
            // Both mark the end of the file, spec M-13 and M-22.
            Self::Records(_) | Self::Blocks(_) => Err(TransferError::Truncated),
        }
    }

    /// Whether the sender marked what it sent as suspect (spec M-20).
    pub(super) fn suspect(&self) -> bool {
        matches!(self, Self::Blocks(blocks) if blocks.suspect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn forms() -> impl Strategy<Value = TransferParameters> {
        let representation = [RepresentationType::Ascii, RepresentationType::Image];
        let structure = [Structure::File, Structure::Record];
        let mode = [TransmissionMode::Stream, TransmissionMode::Block];
        (
            prop::sample::select(representation.to_vec()),
            prop::sample::select(structure.to_vec()),
            prop::sample::select(mode.to_vec()),
        )
            .prop_map(|(representation, structure, mode)| TransferParameters {
                representation,
                structure,
                mode,
            })
    }

    // Much of what matters to a converter, and little else.
    fn octets() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(
            prop::sample::select(b"\r\n\xff\x01\x02\x00ab".to_vec()),
            0..60,
        )
    }

    fn encode(form: TransferParameters, file: &[u8], split: usize, end_apart: bool) -> Vec<u8> {
        let mut encoder = Encoder::new(form);
        let mut wire = Vec::new();
        let (first, second) = file.split_at(split.min(file.len()));
        encoder.encode(first, second.is_empty() && !end_apart, &mut wire);
        if !second.is_empty() {
            encoder.encode(second, !end_apart, &mut wire);
        }
        if end_apart {
            encoder.encode(b"", true, &mut wire);
        }
        wire
    }

    fn decode(form: TransferParameters, wire: &[u8], split: usize) -> Vec<u8> {
        let mut decoder = Decoder::new(form);
        let mut file = Vec::new();
        let mut complete = false;
        let (first, second) = wire.split_at(split.min(wire.len()));
        for piece in [first, second] {
            let decoded = decoder.decode(piece, &mut file).unwrap();
            assert_eq!(decoded.taken, piece.len(), "{form:?} {wire:02x?}");
            assert!(!complete || piece.is_empty());
            complete |= decoded.complete;
        }
        if !complete {
            decoder.finish(&mut file).unwrap();
        }
        file
    }

    // A record is a line, so that a last line without its end gains one.
    fn expected(form: TransferParameters, file: &[u8]) -> Vec<u8> {
        let mut expected = file.to_vec();
        if form.representation == RepresentationType::Ascii
            && form.structure == Structure::Record
            && !file.is_empty()
            && !file.ends_with(b"\n")
        {
            expected.push(b'\n');
        }
        expected
    }

    proptest! {
        #[test]
        fn what_was_sent_is_received_wherever_the_buffers_end(
            form in forms(), file in octets(), sent_to in 0usize..60, end_apart: bool,
        ) {
            let wire = encode(form, &file, sent_to, end_apart);
            for split in 0..=wire.len() {
                prop_assert_eq!(decode(form, &wire, split), expected(form, &file));
            }
        }

        #[test]
        fn no_input_decodes_to_more_than_it_is(form in forms(), wire in octets()) {
            let mut file = Vec::new();
            let mut decoder = Decoder::new(form);
            if let Ok(decoded) = decoder.decode(&wire, &mut file) {
                prop_assert!(decoded.taken <= wire.len());
                prop_assert!(file.len() <= wire.len() + 1);
            }
        }
    }
}
